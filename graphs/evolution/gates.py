"""Where a person decides about a loop: its spec, paths beyond it, its merge request."""

from typing import Any

from graphs.evolution.loop import Halted, Loop
from labcrew.deciding import decide, settled
from labcrew.domain.evolution import HALTED
from labcrew.domain.review import Decision, DecisionKind, Gate, GateKind

YES = "--yes"


def gate_name(evolution: str, kind: GateKind, about: str = "") -> str:
    """A gate's name: the same on every re-run."""
    return f"{evolution}-{kind}-r0.1" + (f"-{about}" if about else "")


def open_gate(
    loop: Loop,
    kind: GateKind,
    *,
    title: str,
    description: str,
    shown: dict[str, Any],
    about: str = "",
    allowed: tuple[DecisionKind, ...] = ("accept", "ignore"),
) -> Gate:
    """Writes a gate's row, once, and answers it; its safe default is to do nothing.

    Raises Halted: a person has stopped the loop, and would never be asked.
    """
    gate = Gate(
        id=gate_name(loop.id, kind, about),
        ticket=loop.id,
        kind=kind,
        title=title,
        description=description,
        shown=shown,
        allowed=allowed,
        safe_default="ignore",
        opened_at=loop.bench.clock.now(),
        expires_at=None,
    )
    with loop.ledger.transaction():
        if loop.evolution.status in HALTED:
            raise Halted
        if loop.ledger.gates.find(gate.id) is None:
            loop.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")
    return loop.ledger.gates.get(gate.id)


def void_open(loop: Loop, kind: GateKind) -> None:
    """Takes back the questions of one kind that nobody has answered."""
    with loop.ledger.transaction():
        for gate in loop.ledger.gates.of(loop.id):
            if gate.kind == kind and gate.status == "open":
                void = gate.model_copy(update={"status": "void"})
                loop.ledger.gates.put(void, actor="coordinator", kind="gate.voided")


def decision(loop: Loop, gate: Gate, *, by_yes: bool) -> Decision | None:
    """What was decided, None while it waits; `by_yes` lets `--yes` accept it."""
    with loop.ledger.transaction():
        found = settled(loop.ledger, loop.bench.clock, gate)
        if found is None and by_yes and loop.by_yes and loop.evolution.status not in HALTED:
            found = decide(loop.ledger, loop.bench.clock, gate.id, "accept", by=YES)
    return found
