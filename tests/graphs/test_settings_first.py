"""A settings file that can't take a ticket's settings ends it before a run is paid for."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime

import sandboxes
from graphs.nodes.preparation import intake
from graphs.work import Work
from labcrew.domain.sandbox import RunResult, SandboxSpec
from labcrew.errors import TicketError
from sandboxes.git.repositories import GitRepositories
from tests.doubles.bench import make_assigned, make_bench
from tests.sandboxes.fixtures import UserFolder

SCRIPT = Path(sandboxes.__file__).parent / "image/inside/apply_settings.py"
SPACE = {
    "model.x": {"type": "float", "low": 0, "high": 1},
    "name": {"type": "choice", "choices": ["a", "two words"]},
}


class Editing:
    """An engine whose tool container edits settings files, here."""

    def start(self, spec: SandboxSpec) -> None:
        pass

    def exec(self, name: str, command: tuple[str, ...], *, stdin: bytes) -> RunResult:
        assert command[-1].endswith(SCRIPT.name)
        done = subprocess.run([sys.executable, str(SCRIPT)], input=stdin, capture_output=True)
        return RunResult(exit_code=done.returncode, stdout=done.stdout.decode(), stderr="")


async def taken_up(folder: Path, files: dict[str, bytes], **settings: Any) -> None:
    """Takes a ticket up whose repository holds these files, each link's as "-> target"."""
    user = UserFolder(folder / "user")
    user.path.mkdir()
    user.git("init", "-q", "-b", "main")
    for name, content in files.items():
        if content.startswith(b"-> "):
            (user.path / name).symlink_to(content[3:].decode())
        else:
            (user.path / name).write_bytes(content)
    copies = GitRepositories(folder / "copies")
    commit = copies.take("T1", user.path, user.commit(), snapshot=False)
    bench = make_bench(folder, sandboxes=Editing(), repositories=copies)
    assigned = make_assigned(settings=settings, search_space=SPACE).model_copy(
        update={"base_commit": commit}
    )
    nobody: Any = None
    with bench.ledger:
        bench.ledger.tickets.put(assigned, actor="person:ada")
        state: Any = {"ticket": "T1"}
        await intake(state, Runtime(context=Work(bench=bench, crew=nobody, rules=nobody)))


GOOD = b"model:\n  x: 1\nname: a\nseed: 0\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.yaml", GOOD),
        ("c.yaml", b"\xef\xbb\xbf" + GOOD),
        ("c.json", b'\xef\xbb\xbf{"model": {"x": 1}, "name": "a", "seed": 0}'),
    ],
)
async def test_settings_that_fit_are_taken(tmp_path: Path, name: str, content: bytes) -> None:
    await taken_up(tmp_path, {name: content}, style="file", file=name, seeds=["seed"])


async def test_a_file_that_only_takes_the_best_settings_may_have_none(tmp_path: Path) -> None:
    await taken_up(tmp_path, {"train.py": b"x = "}, style="arguments", file="train.py")


@pytest.mark.parametrize(
    ("name", "files", "said"),
    [
        ("c.yaml", {"c.yaml": b"optim:\n  x: 1\nname: a\n"}, "c.yaml has no key 'model'; it has"),
        ("c.yaml", {"c.yaml": GOOD[:-8]}, "c.yaml has no key 'seed'"),
        ("c.yaml", {"c.yaml": b"-> d.yaml", "d.yaml": GOOD}, "c.yaml is not a regular file"),
        ("c.yaml", {"c.yaml": b"# caf\xe9\n" + GOOD}, "it is not UTF-8"),
        (".env", {".env": b"model.x=1\nname=a\nseed=0\n"}, "'two words' can't stand in"),
    ],
)
async def test_settings_that_do_not_fit_end_the_ticket_at_once(
    tmp_path: Path, name: str, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(TicketError) as caught:
        await taken_up(tmp_path, files, style="file", file=name, seeds=["seed"])
    assert said in caught.value.message
    assert caught.value.message.startswith("settings.file: ")
    assert "assign the ticket anew" in caught.value.message
