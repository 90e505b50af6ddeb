"""A lab with a small program in it, on a real engine, with an environment that has pytest."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.lab import bare_bench, take
from labcrew.domain.ticket import AssignedTicket, Ticket
from tests.sandboxes.fixtures import UserFolder
from tools.programming.container import put_code_away
from tools.toolbox import Workbench
from tools.trial_spec import environment_plan

FILES = {
    "requirements.txt": "pytest\n",
    "lab/__init__.py": "",
    "lab/split.py": (
        "def split(rows, share):\n"
        '    """The first part for training, the rest for validation."""\n'
        "    cut = int(len(rows) * share)\n"
        "    return rows[:cut], rows[:cut]\n"
    ),
    "lab/other.py": "def halves(items):\n    return items[:2], items[:2]\n",
    "tests/test_split.py": (
        "from lab.split import split\n\n\n"
        "def test_the_rest_is_for_validation():\n"
        "    assert split([1, 2, 3, 4], 0.5) == ([1, 2], [3, 4])\n\n\n"
        "def test_the_first_part_is_for_training():\n"
        "    assert split([1, 2, 3, 4], 0.5)[0] == [1, 2]\n"
    ),
    "answers/holdout.csv": "secret,answers\n",
    "notes/readme.txt": "one\ntwo\nthree\n",
    "broken.py": "def f(:\n    pass\n",
    "windows.txt": "one\r\ntwo\r\n",
}
Assign = Callable[..., AssignedTicket]


@pytest.fixture(scope="session")
def plain_bench() -> Iterator[Workbench]:
    with bare_bench() as made:
        yield made


@pytest.fixture(scope="session")
def user(tmp_path_factory: pytest.TempPathFactory) -> UserFolder:
    folder = UserFolder(tmp_path_factory.mktemp("program"))
    folder.git("init", "-q", "-b", "main")
    for path, text in FILES.items():
        (folder.path / path).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / path).write_bytes(text.encode())
    folder.commit("start")
    return folder


def make_fix(user: UserFolder, **fields: Any) -> Ticket:
    return Ticket.model_validate(
        {
            "title": "Validation rows are training rows",
            "kind": "fix",
            "repository": str(user.path),
            "editable": ["lab/**", "broken.py", "windows.txt", "new/**"],
            "tests": {"timeout_s": 60},
            "data": [{"path": "answers/holdout.csv", "split": "holdout", "private": True}],
            "budget": {"memory_mb": 512},
        }
        | fields
    )


@pytest.fixture(scope="session")
def bench(plain_bench: Workbench, user: UserFolder) -> Workbench:
    """Its base image is the program's prepared one."""
    assigned = take(plain_bench, make_fix(user), Path("/"), "T-100")
    plan = environment_plan(plain_bench.environments, assigned)
    image = plain_bench.environments.ensure(plan, approved=True)
    return replace(plain_bench, base_image=image)


@pytest.fixture
def assign(plain_bench: Workbench, user: UserFolder, request: pytest.FixtureRequest) -> Assign:
    """Assigns a ticket of its own to each call; its container goes with the test."""
    numbers = iter(range(100))

    def assigned(**fields: Any) -> AssignedTicket:
        id = f"T-{zlib.crc32(request.node.nodeid.encode())}{next(numbers):02d}"
        made = take(plain_bench, make_fix(user, **fields), Path("/"), id)
        request.addfinalizer(lambda: put_code_away(id, plain_bench.sandboxes))
        return made

    return assigned
