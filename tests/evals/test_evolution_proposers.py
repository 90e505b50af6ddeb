"""The benchmark of proposers."""

import json
from pathlib import Path

import pytest

from evals.evolution import proposers
from evals.evolution.proposers import ALONE, RESULT, TOGETHER, Measured, measure, table


def test_every_way_is_measured_on_a_problem() -> None:
    measured = measure(2, 2, ("constants",))
    assert [arm.arm for arm in measured.arms] == [*ALONE, *TOGETHER]
    assert all(len(arm.rounds) == 2 for arm in measured.arms)
    assert all(arm.low <= arm.median <= arm.high for arm in measured.arms)
    assert len(table(measured).splitlines()) == 2 + len(measured.arms)


def test_the_result_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposers, "PROBLEMS", {})
    monkeypatch.setattr(measure, "__defaults__", ((),))
    target = tmp_path / "out" / "x.json"
    assert proposers.main(["--seeds", "1", "--rounds", "1", "--write", str(target)]) == 0
    assert json.loads(target.read_text()) == {"budget": 1, "seeds": 1, "arms": []}


def test_the_stored_result_is_whole() -> None:
    stored = Measured.model_validate_json(RESULT.read_text())
    assert stored.seeds >= 10
    ways = {(arm.problem, arm.arm) for arm in stored.arms}
    assert ways == {(p, a) for p in proposers.PROBLEMS for a in (*ALONE, *TOGETHER)}
    assert all(arm.solved == sum(n is not None for n in arm.rounds) for arm in stored.arms)
    page = (Path(__file__).parents[2] / "docs" / "evolution-proposers.md").read_text()
    assert table(stored) in page
