"""Tickets' reported numbers and evaluators' files: what is refused, and why."""

from typing import Any

import pytest

from labcrew.domain.measuring import Evaluator, Metric, ReportedNumber
from tests.tickets import make_assigned
from tools.evaluate import evaluator_hash

COMMAND = "python judge.py {outputs} {split}"


@pytest.mark.parametrize(
    "path", ["/etc/x", "../x", "a/../../x", "-x", ".git/hooks/x", "a/.git/config", ".", "a\nb"]
)
def test_files_that_leave_the_repository_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"files|inside the repository"):
        Evaluator(command=COMMAND, files={path: "x"})


def test_a_path_is_a_file_or_a_folder() -> None:
    with pytest.raises(ValueError, match="both a file and a folder"):
        Evaluator(command=COMMAND, files={"a": "x", "a/b": "y"})


def test_files_are_few() -> None:
    with pytest.raises(ValueError, match="characters"):
        Evaluator(command=COMMAND, files={"a": "x" * 200_001})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"pattern": "loss (a)(b)"}, "exactly one group"),
        ({"pattern": "loss"}, "exactly one group"),
        ({"pattern": "("}, "not a regular expression"),
        ({}, "needs a file or a pattern"),
    ],
)
def test_a_reported_number_stands_somewhere(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ReportedNumber(name="loss", **fields)
    if fields:
        with pytest.raises(ValueError, match=told):
            Metric(name="loss", direction="minimize", **fields)


def test_the_judge_s_hash_covers_its_files_and_old_ones_stay() -> None:
    plain = make_assigned(evaluator={"command": COMMAND})
    with_files = [
        make_assigned(evaluator={"command": COMMAND, "files": {"judge.py": text}})
        for text in ("a", "b")
    ]
    hashes = {evaluator_hash(assigned) for assigned in (plain, *with_files)}
    assert len(hashes) == 3
    assert "" not in hashes
