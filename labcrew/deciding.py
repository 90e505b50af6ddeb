"""What people (and the clock) decide at gates: checked, bound to what was shown, once."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from labcrew.domain.budget import Budget
from labcrew.domain.review import Decision, DecisionKind, Gate
from labcrew.errors import Conflict, InputError
from labcrew.ledger import Ledger
from labcrew.ports import Clock

EXPIRED = "expired"


def settled(ledger: Ledger, clock: Clock, gate: Gate) -> Decision | None:
    """The decision on a gate; an expired gate is decided now, by its safe default.

    None while a person may still decide.
    """
    decision = ledger.decisions.find(gate.id)
    if decision is not None or gate.status == "void":
        return decision
    if gate.expires_at is None or clock.now() < gate.expires_at:
        return None
    with ledger.transaction():
        # A person may have decided, or have stopped the ticket, in the last moment.
        decision = ledger.decisions.find(gate.id)
        if decision is not None or ledger.gates.get(gate.id).status == "void":
            return decision
        return _write(ledger, clock, gate, gate.safe_default, EXPIRED, "", {})


def decide(
    ledger: Ledger,
    clock: Clock,
    gate_id: str,
    kind: DecisionKind,
    *,
    by: str,
    payload_hash: str | None = None,
    comment: str = "",
    edits: Mapping[str, Any] | None = None,
) -> Decision:
    """Writes a person's decision.

    Args:
        ledger: where the gate stands.
        clock: tells whether the gate has expired.
        gate_id: the gate.
        kind: one of those that the gate allows.
        by: the person's name, or '--yes'.
        payload_hash: the hash (or at least its first 8 digits) of what the person saw; None: what
            the gate shows now.
        comment: why; needed to respond.
        edits: changed fields of what is shown; needed to edit.

    Raises:
        NotFound: no such gate.
        Conflict: decided already, expired, void, or not what was shown.
        InputError: not allowed here.
    """
    gate = ledger.gates.get(gate_id)
    earlier = settled(ledger, clock, gate)
    if earlier is not None:
        raise taken(earlier)
    if gate.status == "void":
        raise _void(gate)
    if kind not in gate.allowed:
        raise InputError(
            f"{gate.id} can't be decided by {kind!r}.", f"Allowed here: {', '.join(gate.allowed)}."
        )
    if payload_hash is not None:
        seen = payload_hash.lower()
        if len(seen) < 8 or not gate.payload_hash.startswith(seen):
            raise Conflict(
                f"{gate.id} shows something else now than what {seen[:12]!r} stands for.",
                f"Look at it again: it is {gate.payload_hash[:12]} now.",
                status="changed",
                payload_hash=gate.payload_hash,
            )
    if kind == "respond" and not comment.strip():
        raise InputError("To respond, say what should change.", "Add --comment '…'.")
    if len(comment) > 20_000:
        raise InputError("The comment is longer than 20,000 characters.")
    if kind != "edit" and edits:
        raise InputError(f"{kind} takes no edits.", "Decide 'edit' to change what is shown.")
    checked = checked_edits(ledger, gate, edits or {}) if kind == "edit" else {}
    return _write(ledger, clock, gate, kind, by, comment, checked)


def _void(gate: Gate) -> Conflict:
    return Conflict(
        f"{gate.id} no longer asks anything: its ticket moved on or was stopped.",
        status="void",
    )


def taken(decision: Decision) -> Conflict:
    """What is said to whoever comes too late."""
    expired = decision.by == EXPIRED
    when = f"{decision.at:%Y-%m-%d %H:%M} UTC"
    late = " has expired and" if expired else ""
    said = f"{decision.gate}{late} is already decided: {decision.kind}, by {decision.by}, {when}."
    return Conflict(
        said,
        "A gate is decided once; comment on the merge request, or assign a new ticket.",
        status="expired" if expired else "decided",
        by=decision.by,
        at=decision.at.isoformat(),
        kind=decision.kind,
    )


def checked_edits(ledger: Ledger, gate: Gate, edits: Mapping[str, Any]) -> dict[str, Any]:
    """Edits in full and fit for the gate: a partial budget is completed from the ticket's.

    Raises:
        InputError: names what is wrong, and what may be edited.
    """
    known = {"plan": ("budget", "readmit", "drop_suggestions"), "budget": ("budget",)}
    allowed = known.get(gate.kind, ())
    if not allowed:
        raise InputError(f"A {gate.kind} gate has nothing to edit.", "Accept, respond or ignore.")
    if not edits:
        raise InputError("To edit, say what changes.", f"--edits with {', '.join(allowed)}.")
    for name in edits:
        if name not in allowed:
            raise InputError(
                f"{name!r} can't be edited at a {gate.kind} gate.", f"Known: {', '.join(allowed)}."
            )
    checked: dict[str, Any] = {}
    if "budget" in edits:
        checked["budget"] = budget_with(ledger.tickets.get(gate.ticket).budget, edits["budget"])
    if "readmit" in edits:
        checked["readmit"] = _rows(edits["readmit"], gate)
    if "drop_suggestions" in edits:
        checked["drop_suggestions"] = _indexes(edits["drop_suggestions"], gate)
    return checked


def budget_with(budget: Budget, changes: Any) -> dict[str, Any]:
    """A budget with some fields changed, as plain values. Raises InputError."""
    if not isinstance(changes, Mapping) or not changes:
        raise InputError(
            "A budget is a table of its fields.", f"Known: {', '.join(Budget.model_fields)}."
        )
    try:
        return Budget.model_validate({**budget.model_dump(), **changes}).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"budget.{where}: {first['msg']}.", f"Known: {', '.join(Budget.model_fields)}."
        ) from None


def _planned(gate: Gate, name: str) -> list[Any]:
    plan = gate.shown.get("plan")
    return list(plan.get(name, ())) if isinstance(plan, Mapping) else []


def _rows(given: Any, gate: Gate) -> list[list[Any]]:
    offered = {
        (str(row.get("path")), row.get("row"))
        for row in _planned(gate, "quarantine")
        if isinstance(row, Mapping)
    }
    rows: list[list[Any]] = []
    for entry in given if isinstance(given, list | tuple) else [given]:
        if (
            not isinstance(entry, list | tuple)
            or len(entry) != 2
            or not isinstance(entry[0], str)
            or isinstance(entry[1], bool)
            or not isinstance(entry[1], int)
        ):
            raise InputError("readmit is a list of [path, row].", 'E.g. [["data/train.csv", 17]].')
        if (entry[0], entry[1]) not in offered:
            raise InputError(
                f"Row {entry[1]} of {entry[0]!r} is not among the rows to quarantine.",
                f"{len(offered)} rows are; see `labcrew inbox`.",
            )
        rows.append([entry[0], entry[1]])
    return rows


def _indexes(given: Any, gate: Gate) -> list[int]:
    count = len(_planned(gate, "suggestions"))
    indexes: list[int] = []
    for entry in given if isinstance(given, list | tuple) else [given]:
        if isinstance(entry, bool) or not isinstance(entry, int) or not 0 <= entry < count:
            raise InputError(
                f"drop_suggestions: {entry!r} is no suggestion's number.",
                f"There are {count}, counted from 0.",
            )
        indexes.append(entry)
    return indexes


def _write(
    ledger: Ledger,
    clock: Clock,
    gate: Gate,
    kind: DecisionKind,
    by: str,
    comment: str,
    edits: dict[str, Any],
) -> Decision:
    decision = Decision(
        gate=gate.id,
        ticket=gate.ticket,
        kind=kind,
        by=by,
        at=clock.now(),
        payload_hash=gate.payload_hash,
        comment=comment,
        edits=edits,
    )
    actor = "worker" if by == EXPIRED else f"person:{by}"
    status = "expired" if by == EXPIRED else "decided"
    with ledger.transaction():
        gate = ledger.gates.get(gate.id)
        if gate.status == "void":  # a person has stopped the ticket a moment ago
            raise _void(gate)
        # Two people at once: the ledger refuses the second, different decision.
        ledger.decisions.put(decision, actor=actor, kind="gate.decided")
        ledger.gates.put(gate.model_copy(update={"status": status}), actor=actor)
    return decision
