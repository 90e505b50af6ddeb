"""The part "git" of the battery, on the real engine, with its control."""

import pytest

from evals.attacks.battery import attack
from evals.attacks.git.part import GIT
from evals.attacks.table import complaints
from evals.lab import bare_bench


@pytest.mark.engine
def test_nothing_runs_or_lands_and_careless_git_is_bitten() -> None:
    with bare_bench() as bench:
        report = attack(bench, [GIT])
    assert complaints(report) == []
    ran = [
        found
        for found in report.parts[0].control
        if found.probe.startswith("worktree") and found.verdict == "breached"
    ]
    assert len(ran) >= 50, "programs that plain git started"
    honest = [found for found in report.parts[0].findings if "honest" in found.probe]
    assert all(found.happened.startswith("landed") for found in honest)
