"""The page on repairs says what the kept results say."""

from pathlib import Path

import pytest

from evals.repair.attempt import Arm, Attempt
from evals.repair.catalogue import catalogue
from evals.repair.report import Report, document, read
from labcrew.domain.chat import Tokens

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "evals/results/repair"


def attempt(arm: Arm, task: str, solved: bool, *, half: str = "unseen") -> Attempt:
    return Attempt.model_validate(
        {
            "task": task,
            "half": half,
            "difficulty": "moderate",
            "arm": arm,
            "model": "0.5b",
            "seed": 0,
            "solved": solved,
            "changed": True,
            "failing": () if solved else ("tests/test_a.py::test_a",),
            "steps": 2,
            "tokens": Tokens(prompt=100, completion=50),
            "seconds": 1.0,
            "ended": "",
        }
    )


SINGLE = [attempt("single", name, name in "ab") for name in "abcdef"]
LOOP = [attempt("loop", name, name in "bcde") for name in "abcdef"]


def test_the_page_is_made_from_the_kept_results() -> None:
    assert (ROOT / "docs/repair.md").read_text(encoding="utf-8") == document(read(RESULTS))


def test_kept_results_are_of_tasks_that_there_are_and_each_once() -> None:
    halves = {task.name: task.half for task in catalogue()}
    attempts = read(RESULTS).attempts
    assert all(halves[one.task] == one.half for one in attempts)
    assert len({one.id for one in attempts}) == len(attempts)
    assert all(one.solved == (one.changed and not one.failing) for one in attempts)


def test_arms_are_compared_on_the_same_tasks() -> None:
    report = Report(attempts=(*SINGLE, *LOOP[:-1], attempt("loop", "g", True)))
    pair = report.paired("loop", "single", "0.5b", "unseen")
    assert (pair.tasks, pair.both, pair.only_first, pair.only_second) == (5, 1, 3, 1)
    assert pair.p == pytest.approx(0.625)  # 3 of 4: 2 * (4 + 1) / 16


def test_the_reach_is_told_as_it_is() -> None:
    reached = document(Report(attempts=(*SINGLE, *LOOP)))
    assert "| 0.5B, unseen | single shot | 4 and 2 of 6 | 2.0 | not shown | 3 and 1 |" in reached
    clear = [attempt("loop", name, True) for name in "cdefgh"]
    alone = [attempt("single", name, False) for name in "cdefgh"]
    shown = document(Report(attempts=(*alone, *clear)))
    assert "| 0.5B, unseen | single shot | 6 and 0 of 6 | - | yes | 6 and 0 |" in shown
    drawn = document(Report(attempts=(*LOOP, attempt("samples", "a", True))))
    assert "| 0.5B, unseen | single shots until one passes | " in drawn
    assert "labcrew's loop, 0.5B | - | 4/6 (67% [30%, 90%]) | 2.0 | 50 | 100 | 0 |" in reached
    missed = document(Report(attempts=(*SINGLE, *LOOP[:-2], attempt("loop", "e", False))))
    assert "**no**" in missed
    assert "yes" not in missed
    nobody = [one.model_copy(update={"solved": False}) for one in (*SINGLE, *LOOP)]
    assert "| 0 and 0 of 6 | - | **no** |" in document(Report(attempts=tuple(nobody)))


def test_without_results_nothing_is_claimed() -> None:
    assert "Nothing to compare yet." in document(Report(attempts=()))
