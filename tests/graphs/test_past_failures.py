"""Which failed runs of other tickets bar settings here."""

from typing import Any

import pytest

from graphs.nodes.trials import past_failures
from graphs.work import Work
from labcrew.domain.experiment import Incident, Intervention
from tests.tickets import failed, make_assigned, make_plan, make_trial

RUN = {"command": "python train.py {settings} --seed {seed}"}
FAILED = failed(make_trial(1, id="T-0002-001", ticket="T-0002"))


def barred(work: Work, kind: Any, key: str = "k", part_of: str = "", **changes: Any) -> list[str]:
    """The failures that count for a ticket, where another's run failed by an incident.

    Args:
        key: of the present ticket's environment; the other's is "k".
        changes: of the present ticket.
    """
    other = make_assigned(run=RUN | {"timeout_s": 60}).model_copy(update={"id": "T-0002"})
    work.ledger.tickets.put(other, actor="person:ada")
    plan = make_plan(id="T-0002-P0.0", ticket="T-0002")
    work.ledger.plans.put(plan, actor="coordinator")
    work.ledger.trials.put(FAILED, actor="log_monitor")
    done = Intervention(action="give_up", because="b", by="rule", part_of=part_of)
    incident = Incident(
        id=f"{FAILED.id}-{kind.replace('_', '-')}", ticket="T-0002", trial=FAILED.id, kind=kind,
        evidence=(), diagnosis="d", at_s=1, intervention=done,
    )  # fmt: skip
    work.ledger.incidents.put(incident, actor="log_monitor")
    mine = make_assigned(**({"run": RUN | {"timeout_s": 60}} | changes))
    work.ledger.tickets.put(mine, actor="person:ada")
    work.ledger.plans.put(make_plan(environment_key=key), actor="coordinator")
    return [failure.trial for failure in past_failures(work, mine)]


LONGER = {"run": RUN | {"timeout_s": 61}}
ANOTHER = {"metric": {"name": "auc", "direction": "maximize", "file": "metrics.jsonl"}}


@pytest.mark.parametrize(
    ("kind", "changes", "counts"),
    [
        ("time_limit", {}, True),
        ("time_limit", {"run": RUN | {"timeout_s": 30}}, True),
        ("time_limit", LONGER, False),
        ("time_limit", ANOTHER, True),
        ("out_of_memory", {"budget": {"memory_mb": 512}}, True),
        ("out_of_memory", {"budget": {"memory_mb": 1024}}, False),
        ("storage_full", {"budget": {"disk_mb": 100_000}}, False),
        ("stalled", {"run": RUN | {"timeout_s": 60, "stall_s": 3000}}, False),
        ("no_metric", {}, True),
        ("no_metric", LONGER, True),
        ("no_metric", ANOTHER, False),
        ("diverged", LONGER | ANOTHER, True),
        ("crashed", {"key": "another"}, False),
        ("out_of_memory", {"budget": {"memory_mb": 512}, "key": "another"}, False),
        ("diverged", {"key": "another"}, True),
        ("time_limit", LONGER | {"part_of": "T-0002-001-diverged"}, True),
    ],
)
def test_a_failure_bars_settings_while_what_it_failed_by_is_the_same(
    work: Work, kind: str, changes: dict[str, Any], counts: bool
) -> None:
    assert barred(work, kind, **changes) == ([FAILED.id] if counts else [])
