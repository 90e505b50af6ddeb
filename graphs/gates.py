"""Gates: rows written before the pause, decisions read from the ledger after it."""

from typing import Any

from langgraph.types import interrupt

from graphs.work import Work
from labcrew.deciding import settled
from labcrew.domain.review import Decision, DecisionKind, Gate, GateKind
from labcrew.domain.ticket import AssignedTicket


def gate_id(ticket: str, kind: GateKind, revision: int, round_: int, about: str = "") -> str:
    """A gate's name: the same on every re-run of the node that opens it."""
    return f"{ticket}-{kind}-r{revision}.{round_}" + (f"-{about}" if about else "")


def make_gate(
    work: Work,
    assigned: AssignedTicket,
    kind: GateKind,
    round_: int,
    *,
    title: str,
    description: str,
    shown: dict[str, Any],
    allowed: tuple[DecisionKind, ...] = ("accept", "edit", "respond", "ignore"),
    about: str = "",
) -> Gate:
    """Writes a gate's row and answers it; the safe default of every gate is to do nothing."""
    gate = Gate(
        id=gate_id(assigned.id, kind, assigned.revision, round_, about),
        ticket=assigned.id,
        kind=kind,
        title=title,
        description=description,
        shown=shown,
        allowed=allowed,
        safe_default="ignore",
        opened_at=work.bench.clock.now(),
        expires_at=work.gate_ends(assigned),
    )
    work.open_gate(gate)
    return work.ledger.gates.get(gate.id)


def pause_for(work: Work, gate: str) -> Decision:
    """Waits at a gate: the graph stops here until the ledger holds a decision.

    What a resume brings is ignored; only the ledger counts.
    """
    while True:
        row = work.ledger.gates.get(gate)
        decision = settled(work.ledger, work.bench.clock, row)
        if decision is not None:
            return decision
        interrupt(row.interrupt())
