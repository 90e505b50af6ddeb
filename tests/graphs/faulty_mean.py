"""A program with a fault, its tests, and what a chat model may answer."""

from pathlib import Path
from typing import Any

from tests.sandboxes.fixtures import UserFolder

PROGRAM = '''\
"""A mean that forgets the last value."""


def mean(values):
    """The mean of numbers."""
    return sum(values[:-1]) / len(values)


if __name__ == "__main__":
    print("quality", mean([1.0, 1.0, 1.0, 1.0]))
'''
RIGHT = (
    '```python\ndef mean(values):\n    """The mean."""\n    return sum(values) / len(values)\n```'
)
WRONG = "```python\ndef mean(values):\n    return max(values)\n```"
TESTS = """\
from program import mean


def test_all_values_count():
    assert mean([1.0, 2.0, 6.0]) == 3.0


def test_of_one_kind():
    assert mean([0.0, 0.0]) == 0.0
"""
FIELDS: dict[str, Any] = {
    "title": "The mean is too small",
    "question": "mean([1, 2, 6]) gives 1 and should give 3.",
    "kind": "fix",
    "editable": ["program.py"],
    "tests": {"fail_to_pass": ["test_program.py::test_all_values_count"]},
    "environment": {"packages": ["pytest"], "alone": True},
    "literature": {"online": False},
}
"""A ticket on it, without its repository."""


def make_faulty_mean(path: Path, program: str = PROGRAM) -> UserFolder:
    """A real repository of program and tests, with `main` checked out."""
    path.mkdir(parents=True)
    folder = UserFolder(path)
    folder.git("init", "-q", "-b", "main")
    folder.write("program.py", program)
    folder.write("test_program.py", TESTS)
    folder.commit("it")
    return folder
