"""Gates: what waits for a person, and what was decided."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from desk.api.common import ACT, READ, AnyLab, Approver, Id, Viewer, problems
from desk.api.once import OnceOnly
from desk.api.page import Before, Limit, Page
from labcrew.domain.base import Model
from labcrew.domain.review import Decision, DecisionKind, Gate
from labcrew.ledger import Ledger

router = APIRouter(prefix="/gates", tags=["gates"])


class ShownGate(Model):
    """A gate, and the hash that a decision on it must name."""

    gate: Gate
    payload_hash: str = Field(description="of what is shown: send it with the decision")
    decision: Decision | None = None


class Said(Model):
    """A person's decision."""

    kind: DecisionKind
    payload_hash: str = Field(
        min_length=8,
        max_length=64,
        pattern="^[0-9A-Fa-f]+$",
        description="of what was seen: refused where the gate shows something else by now",
    )
    comment: str = Field(default="", max_length=20_000, description="why; needed to respond")
    edits: dict[str, Any] = Field(default_factory=dict, description="for edit: what changes")
    path: str = Field(
        default="",
        max_length=4096,
        description="of a response to a merge request: the file of the change that it is about",
    )
    line: int | None = Field(default=None, ge=1, le=2**31, description="a line of that file")


@router.get("", responses=problems())
def list_gates(
    caller: Viewer,
    lab: AnyLab,
    status: Annotated[
        Literal["open", "decided", "expired", "void"] | None,
        Query(description="open: the inbox; leave out for all"),
    ] = None,
    ticket: Annotated[str | None, Query(max_length=200, description="only this one's")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Page[ShownGate]:
    """The gates, newest first; one that is open but too old to be decided is left out of those."""
    rows = lab.ledger.gates.page(status=status, ticket=ticket, before=before, limit=limit)
    page = Page.of([(number, shown(lab.ledger, gate)) for number, gate in rows], limit)
    if status != "open":
        return page
    now = lab.opened.clock.now()
    waiting = [s for s in page.items if s.gate.expires_at is None or now < s.gate.expires_at]
    return page.model_copy(update={"items": tuple(waiting)})


@router.get("/{id}", responses=READ)
def get_gate(caller: Viewer, lab: AnyLab, id: Id) -> ShownGate:
    """One gate, or the only open gate of a ticket by the ticket's id."""
    return shown(lab.ledger, lab.office.gate_of(id))


@router.post("/{id}/decision", responses=ACT)
def decide(caller: Approver, lab: AnyLab, once: OnceOnly, id: Id, said: Said) -> Decision:
    """Decide at a gate: accept, edit, respond with a comment, or ignore."""
    return once.answer(
        lambda: lab.office.decide(
            id,
            said.kind,
            caller.name,
            said.payload_hash,
            said.comment,
            said.edits,
            said.path,
            said.line,
        ),
        Decision,
    )


def shown(ledger: Ledger, gate: Gate) -> ShownGate:
    """A gate as people see it."""
    decision = None if gate.status == "open" else ledger.decisions.find(gate.id)
    return ShownGate(gate=gate, payload_hash=gate.payload_hash, decision=decision)
