"""What a merge request's packet gathers from the ledger."""

from pathlib import Path

from agents.trial_groups import group_of
from graphs.packet import holdout_of
from labcrew.ledger import Ledger
from tests.desk.conftest import HandClock
from tests.tickets import make_score, make_trial


def test_a_run_repeated_with_its_seed_adds_no_holdout(tmp_path: Path) -> None:
    """Settings that were reached twice would make the holdout's interval narrower than it is."""
    trials = [
        make_trial(number, value, seed=seed, kind="search")
        for number, seed, value in ((1, 0, 0.9), (2, 0, 0.9), (3, 1, 0.8))
    ]
    group = group_of(trials, "search")
    assert group is not None
    assert group.scores == (0.9, 0.8)
    with Ledger.open(
        f"sqlite:///{tmp_path / 'l.db'}", anchor=tmp_path / "a", clock=HandClock()
    ) as ledger:
        for trial in trials:
            kept = make_score(0.7, trial=trial.id, seed=trial.seed, split="holdout")
            ledger.intend(f"{trial.id}/holdout", "T-0001", {})
            ledger.done(f"{trial.id}/holdout", kept.model_dump(mode="json"))
        found = holdout_of(ledger, group)
    assert [(score.trial, score.seed) for score in found] == [("T-0001-001", 0), ("T-0001-003", 1)]
