"""Every task's tests fail on the bug and pass on its repair, and the catalogue is balanced."""

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

from evals.repair.catalogue import Task, TaskError, catalogue, load
from evals.repair.proving import Proof, prove

NAMES = [task.name for task in catalogue()]


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return {task.name: task for task in catalogue()}


@pytest.fixture(scope="module")
def proofs(tasks: dict[str, Task]) -> dict[str, Proof]:
    return prove(tasks.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_judge_the_repair(
    name: str, tasks: dict[str, Task], proofs: dict[str, Proof]
) -> None:
    proof = proofs[name]
    assert proof.troubles(tasks[name]) == [], f"{proof.before.tail}\n{proof.after.tail}"


def test_there_are_enough_tasks_and_both_halves_are_alike(tasks: dict[str, Task]) -> None:
    assert len(tasks) >= 44
    halves = Counter(task.half for task in tasks.values())
    assert abs(halves["visible"] - halves["unseen"]) <= 1
    for difficulty in ("obvious", "moderate", "hard"):
        parts = Counter(t.half for t in tasks.values() if t.difficulty == difficulty)
        assert sum(parts.values()) >= len(tasks) // 4
        assert abs(parts["visible"] - parts["unseen"]) <= 1
    for half in ("visible", "unseen"):
        kinds = {task.kind for task in tasks.values() if task.half == half}
        assert len(kinds) >= 9
    with_numpy = sum("numpy" in task.packages for task in tasks.values())
    assert len(tasks) / 4 <= with_numpy <= len(tasks) / 2


def test_only_the_standard_library_and_named_packages_are_imported(tasks: dict[str, Task]) -> None:
    for task in tasks.values():
        own = {path.split("/")[0].removesuffix(".py") for path in task.files}
        allowed = own | sys.stdlib_module_names | set(task.packages) | {"pytest"}
        imported = set()
        for text in {**task.files, **task.solution, **task.tests}.values():
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    imported |= {name.name.split(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom):
                    imported.add((node.module or "").split(".")[0])
        assert imported <= allowed, task.name
        assert set(task.packages) <= imported, task.name


def test_questions_tell_symptoms_and_some_name_the_file(tasks: dict[str, Task]) -> None:
    naming = 0
    for task in tasks.values():
        names = {path.rsplit("/")[-1] for path in task.solution}
        naming += any(name in task.question for name in names)
        removed = set()
        for path, text in task.solution.items():
            before = {line.strip() for line in task.files[path].splitlines()}
            removed |= {line.strip() for line in text.splitlines()} - before
        assert not any(len(line) > 20 and line in task.question for line in removed), task.name
    assert naming <= len(tasks) / 2


def test_repositories_are_small(tasks: dict[str, Task]) -> None:
    for task in tasks.values():
        assert len(task.files) <= 4, task.name
        lengths = [text.count("\n") for text in task.files.values()]
        assert sum(lengths) >= 25, task.name
        assert max(lengths) <= 90, task.name


GOOD = {
    "task.toml": """title = "The sum is wrong"
half = "visible"
kind = "reduction"
difficulty = "obvious"
packages = []
question = "add(1, 2) gives -1, and so on for whatever I add to it."
fail_to_pass = ["tests/test_a.py::test_sum"]
pass_to_pass = ["tests/test_a.py::test_zero"]
""",
    "repository/a.py": "def add(a, b):\n    return a - b\n",
    "solution/a.py": "def add(a, b):\n    return a + b\n",
    "tests/test_a.py": "from a import add\n\n\ndef test_sum():\n    assert add(1, 2) == 3\n\n\n"
    "def test_zero():\n    assert add(1, 0) == 1\n",
}


def made(folder: Path, changes: dict[str, str | None]) -> Path:
    for path, text in {**GOOD, **changes}.items():
        if text is not None:
            (folder / "one" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "one" / path).write_text(text, encoding="utf-8")
    return folder / "one"


def test_a_task_is_read(tmp_path: Path) -> None:
    task = load(made(tmp_path, {"repository/data/x.csv": "1,2\n"}))
    assert task.name == "one"
    assert task.files == {"a.py": GOOD["repository/a.py"], "data/x.csv": "1,2\n"}
    assert task.solved_files["a.py"] == GOOD["solution/a.py"]
    assert set(task.tests) == {"tests/test_a.py"}
    assert [t.name for t in catalogue(tmp_path, "visible")] == ["one"]
    assert catalogue(tmp_path, "unseen") == ()


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"task.toml": None}, "task.toml can't be read"),
        ({"task.toml": "title = "}, "task.toml can't be read"),
        ({"tests/test_a.py": None}, "no folder tests"),
        ({"task.toml": GOOD["task.toml"] + "hint = 1\n"}, "hint"),
        ({"task.toml": GOOD["task.toml"] + 'name = "two"\n'}, "may not name name"),
        ({"task.toml": GOOD["task.toml"].replace("visible", "seen")}, "half"),
        ({"task.toml": GOOD["task.toml"].replace("test_zero", "test_one")}, "no such tests"),
        ({"task.toml": GOOD["task.toml"].replace("test_zero", "test_sum")}, "named twice"),
        ({"tests/test_b.py": "def test_b():\n    pass\n"}, "neither fail_to_pass nor"),
        ({"solution/a.py": GOOD["repository/a.py"]}, "same as the file with the bug"),
        ({"solution/b.py": ""}, "changes no file"),
        ({"repository/b.py": "def ("}, "b.py is no Python"),
        ({"repository/tests/test_a.py": ""}, "apart from the repository"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, changes: dict[str, str | None], trouble: str
) -> None:
    with pytest.raises(TaskError, match=trouble) as caught:
        load(made(tmp_path, changes))
    assert "task one" in str(caught.value)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no tasks"):
        catalogue(tmp_path)


def test_a_wrong_task_is_not_proven(tmp_path: Path) -> None:
    """Tests that pass on the bug, and a solution that mends nothing, are told apart."""
    useless = load(made(tmp_path, {"solution/a.py": "def add(a, b):\n    return 1\n"}))
    swapped = GOOD["task.toml"].replace("test_sum", "X").replace("test_zero", "test_sum")
    weak = load(made(tmp_path, {"task.toml": swapped.replace("X", "test_zero")}))
    weak = weak.model_copy(update={"name": "weak"})
    found = prove([useless, weak])
    assert found["one"].troubles(useless) == [
        "tests/test_a.py::test_sum doesn't pass after the repair"
    ]
    assert found["weak"].troubles(weak) == [
        "tests/test_a.py::test_zero passes before the repair",
        "tests/test_a.py::test_sum doesn't pass before the repair",
    ]


def test_a_repair_that_never_ends_is_no_repair(tmp_path: Path) -> None:
    endless = "def add(a, b):\n    while b:\n        pass\n    return a\n"
    task = load(made(tmp_path, {"solution/a.py": endless}))
    troubles = prove([task], limit_s=2)["one"].troubles(task)
    assert troubles == ["tests/test_a.py::test_sum doesn't pass after the repair"]


def test_half_a_repair_is_none(tasks: dict[str, Task]) -> None:
    """Where several files must change, each of them must."""
    halves = {
        f"{task.name}-without-{number}": (
            task,
            {name: text for name, text in task.solution.items() if name != path},
        )
        for task in tasks.values()
        if len(task.solution) > 1
        for number, path in enumerate(task.solution)
    }
    assert len(halves) >= 8
    proofs = prove(
        (
            task.model_copy(update={"name": name, "solution": solution})
            for name, (task, solution) in halves.items()
        ),
        limit_s=5,
    )
    for name, (task, _) in halves.items():
        assert proofs[name].troubles(task), name
