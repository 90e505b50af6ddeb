"""The smallest command that fails as a given one does."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.errors import ToolError
from tests.tools.programming.conftest import Assign
from tools.logs.tracebacks import Failure
from tools.programming.changes import record_edit
from tools.programming.reproducing import SmallestReproduction, smallest_reproduction
from tools.programming.shrinking import same_failure, smaller, smallest
from tools.toolbox import Workbench

FAILURE = Failure(error="ValueError: x", file="/workspace/train.py", line=3, function="main")


@given(
    st.lists(st.sampled_from(["--a", "--b=7", "c", "12", "--lr", "0.1"]), max_size=8),
    st.sets(st.integers(0, 7)),
)
def test_what_is_needed_stays_and_the_rest_goes(words: list[str], needed: set[int]) -> None:
    """Words that must all be there, whatever else is: they alone are left."""
    marked = [f"{word}-{n}" if n in needed else word for n, word in enumerate(words)]
    must = {word for n, word in enumerate(marked) if n in needed}
    command = shlex.join(["python", "train.py", *marked])

    def fails(tried: str) -> bool:
        said = shlex.split(tried)
        return said[:2] == ["python", "train.py"] and must <= set(said)

    found = smallest(command, "", FAILURE, fails, most=500)
    assert set(shlex.split(found.command)[2:]) == must


@given(st.text(max_size=60))
def test_wild_commands_end(command: str) -> None:
    found = smallest(command, "", FAILURE, lambda tried: True, most=60)
    assert found.tried <= 60


def test_candidates_are_what_a_person_would_try() -> None:
    output = "FAILED tests/test_a.py::test_x[1 2] - ValueError: x\nERROR tests/test_b.py - no\n"
    tried = list(smaller("python -m pytest tests -q", output, FAILURE))
    assert tried[:2] == [
        "python -m pytest -q 'tests/test_a.py::test_x[1 2]'",
        "python -m pytest -q tests/test_b.py",
    ]
    at_import = Failure(error="x", file="/workspace/lab/data/__init__.py", function="<module>")
    assert next(smaller("python train.py", "", at_import)) == "python -c 'import lab.data'"
    assert list(smaller("cd a && python b.py", "", FAILURE))[:3] == [
        "python b.py", "python b.py", "cd a",
    ]  # fmt: skip
    assert "python train.py --epochs 1" in list(smaller("python train.py --epochs 50", "", FAILURE))
    assert list(smaller("python x.py | tee $LOG", "", FAILURE)) == []


def test_what_is_the_same_failure() -> None:
    other = Failure(error="lab.ValueError: y", file="/workspace/train.py", line=9, function="main")
    assert same_failure(FAILURE, other)
    for change in (
        Failure(error="KeyError: x", file="/workspace/train.py", function="main"),
        Failure(error="ValueError: x", file="/workspace/other.py", function="main"),
        None,
    ):
        assert not same_failure(FAILURE, change)


PROGRAM = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--noise", type=float, default=0)
parser.add_argument("--share", type=float, default=0.5)
parser.add_argument("--verbose", action="store_true")


def train(options):
    for epoch in range(options.epochs):
        if options.share > 1:
            raise ValueError(f"share {options.share} in epoch {epoch}")


train(parser.parse_args())
"""


@pytest.mark.engine
def test_the_smallest_command_is_found(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    record_edit(bench, assigned, {"train.py": PROGRAM}, call="")
    call = SmallestReproduction(
        command="echo start && python train.py --epochs 40 --verbose --noise 0.5 --share 1.5"
    )
    found = smallest_reproduction.run(call, assigned, bench)
    assert found.command == "python train.py --share 1.5"
    assert (found.error, found.function) == ("ValueError: share 1.5 in epoch 0", "train")
    assert found.file.endswith("train.py")
    assert found.line == 13
    assert found.command in found.text


@pytest.mark.engine
def test_of_many_tests_the_one_that_fails(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    call = SmallestReproduction(command="python -m pytest tests -q")
    found = smallest_reproduction.run(call, assigned, bench)
    name = "tests/test_split.py::test_the_rest_is_for_validation"
    assert found.command.endswith(name)
    assert found.function == "test_the_rest_is_for_validation"


@pytest.mark.engine
def test_a_file_that_breaks_when_it_is_imported(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    bad = {"lab/bad.py": "x = {}['key']\n", "go.py": "import sys\nfrom lab import bad\n"}
    record_edit(bench, assigned, dict(bad), call="")
    call = SmallestReproduction(command="python go.py a b c")
    assert smallest_reproduction.run(call, assigned, bench).command == "python -c 'import lab.bad'"


@pytest.mark.engine
def test_what_does_not_fail_can_not_be_reproduced(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    for command, said in (("true", "succeeds"), ("exit 3", "without a traceback")):
        with pytest.raises(ToolError, match=said):
            smallest_reproduction.run(SmallestReproduction(command=command), assigned, bench)
