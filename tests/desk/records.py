"""Ledger records for tests: a plan gate, trials, a merge request with its gate."""

from datetime import timedelta
from typing import Any

from desk.wiring import Opened
from labcrew.domain.experiment import Score, Trial, TrialResult
from labcrew.domain.review import Evidence, Gate, MergeRequest
from labcrew.domain.ticket import AssignedTicket

HASH = "0" * 64


def plan_gate(opened: Opened, ticket: str, **fields: Any) -> Gate:
    """An open plan gate with two suggestions and one row to quarantine."""
    now = opened.clock.now()
    gate = Gate(
        id=f"{ticket}-plan-r0.0",
        ticket=ticket,
        kind="plan",
        title="Plan for a better learning rate",
        description="1. Run it. [bold]not markup[/bold] \x1b[31mred",
        shown={
            "plan": {
                "suggestions": [{"values": {"lr": 0.1}}, {"values": {"lr": 0.2}}],
                "quarantine": [{"path": "data/train.csv", "row": 7}],
            },
            "budget": {"trials": 10},
        },
        allowed=("accept", "edit", "respond", "ignore"),
        safe_default="ignore",
        opened_at=now,
        expires_at=now + timedelta(hours=2),
    ).model_copy(update=fields)
    opened.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")
    return gate


def fail(opened: Opened, ticket: str, because: str = "the engine has no room") -> AssignedTicket:
    """A ticket that there is fails, as a worker writes it."""
    failed = opened.ledger.tickets.get(ticket).model_copy(
        update={"status": "failed", "outcome": f"failed: {because}"}
    )
    opened.ledger.tickets.put(failed, actor="worker", kind="ticket.failed")
    return failed


def score(trial: str, value: float, split: str = "validation") -> Score:
    return Score(
        value=value,
        split=split,
        source="evaluator",
        trial=trial,
        commit=HASH[:40],
        data_sha256=HASH,
        outputs_sha256=HASH,
        seed=0,
        image_digest=f"sha256:{HASH}",
    )


def trial(opened: Opened, ticket: str, number: int, **fields: Any) -> Trial:
    """A trial, scored unless told otherwise."""
    id = f"{ticket}-{number:03d}"
    made = Trial(
        id=id,
        ticket=ticket,
        number=number,
        kind="search",
        values={"lr": 0.1},
        seed=0,
        data="original",
        memory_mb=512,
        status="scored",
        score=score(id, 0.9 + number / 100),
        result=TrialResult(
            exit_code=0,
            reason="it ended",
            duration_s=36,
            outputs_sha256=HASH,
            output_files=1,
            log_bytes=10,
            reported=0.5,
        ),
    ).model_copy(update=fields)
    opened.ledger.trials.put(made, actor="experiment_launcher")
    return made


def merge_request(opened: Opened, assigned: AssignedTicket, best: Trial) -> MergeRequest:
    """An open merge request that rests on one trial, and its gate."""
    assert best.score is not None
    request = MergeRequest(
        id=f"{assigned.id}-MR0",
        ticket=assigned.id,
        revision=0,
        title=assigned.ticket.title,
        branch=f"labcrew/{assigned.id}",
        target="main",
        base_commit=assigned.base_commit,
        commit=assigned.base_commit,
        template="{{validation_best_mean}}",
        description="0.9100",
        evidence=(
            Evidence(
                key="validation_best_mean",
                value=best.score.value,
                digits=4,
                statistic="mean",
                scores=(best.score,),
            ),
        ),
        gain=0.02,
        verdict="improves",
    )
    opened.ledger.merge_requests.put(request, actor="merge_request", kind="merge_request.opened")
    plan_gate(
        opened,
        assigned.id,
        id=f"{assigned.id}-merge-r0.0",
        kind="merge",
        title="Merge it?",
        shown={"merge_request": request.id},
        allowed=("accept", "respond", "ignore"),
        expires_at=None,
    )
    return request


def superseded(opened: Opened, older: MergeRequest) -> MergeRequest:
    """The next merge request of an open one's ticket, which waits at its gate in its place."""
    newer = older.model_copy(update={"id": f"{older.ticket}-MR1", "revision": 1})
    gate = opened.ledger.gates.get(f"{older.ticket}-merge-r0.0")
    opened.ledger.gates.put(gate.model_copy(update={"status": "void"}), actor="coordinator")
    opened.ledger.merge_requests.put(
        older.model_copy(update={"status": "superseded"}), actor="merge_request"
    )
    opened.ledger.merge_requests.put(newer, actor="merge_request", kind="merge_request.opened")
    next_gate = {
        "id": f"{older.ticket}-merge-r1.0", "status": "open", "shown": {"merge_request": newer.id}
    }  # fmt: skip
    opened.ledger.gates.put(
        gate.model_copy(update=next_gate), actor="coordinator", kind="gate.opened"
    )
    return newer
