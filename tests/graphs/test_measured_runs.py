"""What a plan takes a run to last: what was measured of the same command, commit and data."""

from typing import Any

from graphs.nodes.preparation import seconds_a_run
from graphs.work import Work
from tests.packets import CARD
from tests.tickets import make_assigned, make_trial


def ran(work: Work, id: str, *, data: str = "a", **changes: Any) -> None:
    """A ticket of which one run, of 2 seconds, was scored."""
    assigned = make_assigned(**changes).model_copy(update={"id": id})
    card = CARD.model_copy(update={"id": f"{id}-D01", "ticket": id, "sha256": data * 64})
    work.ledger.tickets.put(assigned, actor="person:ada")
    work.ledger.datasets.put(card, actor="data_pipeline")
    trial = make_trial(0, 0.5, id=f"{id}-000", ticket=id)
    work.ledger.trials.put(trial, actor="log_monitor")


def asked(work: Work) -> float | None:
    assigned = make_assigned()
    work.ledger.tickets.put(assigned, actor="person:ada")
    work.ledger.datasets.put(CARD, actor="data_pipeline")
    return seconds_a_run(work, assigned)


def test_the_same_command_on_the_same_data_counts(work: Work) -> None:
    ran(work, "T-0002")
    assert asked(work) == 2.0


def test_another_command_says_nothing(work: Work) -> None:
    ran(work, "T-0002", run={"command": "python quick.py {settings} --seed {seed}"})
    assert asked(work) is None


def test_other_data_says_nothing(work: Work) -> None:
    ran(work, "T-0002", data="e")
    assert asked(work) is None
