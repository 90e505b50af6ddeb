"""The benchmark of incidents from end to end, small, on the real engine."""

from pathlib import Path

import pytest

from evals.incidents.faults import all_faults
from evals.incidents.report import load
from evals.incidents.results import Result, read
from evals.incidents.running import run_all


@pytest.mark.engine
def test_two_faults_are_supervised_and_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    said: list[str] = []

    def go() -> None:
        faults = all_faults(["exploding_gradient", "crash_always"])
        run_all(faults, tmp_path, seeds=1, rounds=1, arms=("rules",), clean=2, say=said.append)

    go()
    results = {r.fault: r for r in read(tmp_path / "rules-0.jsonl", Result)}
    exploded, crashed = results["exploding_gradient"], results["crash_always"]
    assert not exploded.error
    assert not crashed.error
    assert exploded.onset
    assert exploded.incidents
    assert len(exploded.trials) > 1
    assert [seen.kind for seen in crashed.incidents if seen.run == 0] == ["crashed"]
    assert crashed.value is None
    report = load(tmp_path)
    assert {one.detected for one in report.judged} == {True}
    assert len(report.clean) == 2
    assert all(clean.value is not None for clean in report.clean)
    assert all(twin.value is not None for twin in report.twins)

    said.clear()
    go()
    assert said == []
