"""The evaluation of the checks, and what it says of the example that ships."""

from pathlib import Path

import pytest

from evals.quarantine import Kind, Measured, main, measure
from labcrew.domain.research import QuarantinedRow


def row(id: str, confidence: float = 0.9) -> QuarantinedRow:
    return QuarantinedRow(
        path="t", row=0, id=id, check="duplicate", reason="r", confidence=confidence
    )


def test_only_sure_rows_count() -> None:
    measured = measure([row("a"), row("b", 0.4), row("x")], {"a": "copy", "b": "copy"})
    assert measured == Measured(
        kinds=(Kind(kind="copy", planted=2, found=1),), false_alarms={"duplicate": 1}, proposed=2
    )
    assert (measured.precision, measured.recall) == (0.5, 0.5)


def test_nothing_planted_and_nothing_proposed_is_no_division_by_zero() -> None:
    measured = measure([], {})
    assert (measured.precision, measured.recall) == (1.0, 1.0)


def test_the_example_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(Path("examples/digits"))]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    precision, recall = (float(last.split(f"{name} ")[1][:5]) for name in ("precision", "recall"))
    assert precision >= 0.9
    assert recall >= 0.9
