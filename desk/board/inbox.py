"""What waits for a person: the inbox and each gate."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from desk.board.pages import BoardLab, Viewer, page
from desk.views.forecasts import track_record
from labcrew.domain.experiment import Forecast
from labcrew.domain.review import Gate

router = APIRouter(include_in_schema=False)
_DECIDED = 10


@router.get("/inbox")
def inbox(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """Every gate that waits, oldest first, and what was decided last."""
    gates = lab.office.inbox()
    decided = [decision for _, decision in lab.ledger.decisions.page(limit=_DECIDED)]
    titles = {}
    for gate in {gate.ticket for gate in gates}:
        assigned = lab.ledger.tickets.find(gate)
        titles[gate] = assigned.ticket.title if assigned is not None else ""
    return page(request, "inbox.html", caller, gates=gates, decided=decided, titles=titles)


@router.get("/inbox/count")
def count(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """How many gates wait, for the navigation."""
    return page(request, "inbox_count.html", caller)


@router.get("/gates/{id}")
def gate(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """One gate: what is asked, all that an approval binds to, what it may cost, and the choice."""
    found = lab.office.gate_of(id)
    decision = lab.ledger.decisions.find(found.id)
    assigned = lab.ledger.tickets.find(found.ticket)
    return page(
        request,
        "gate.html",
        caller,
        here="/inbox",
        gate=found,
        decision=decision,
        assigned=assigned,
        forecast=_forecast(found),
        record=track_record(lab.ledger, besides=assigned) if found.kind == "plan" else None,
        suggestions=_planned(found, "suggestions"),
        quarantine=_planned(found, "quarantine"),
    )


def _forecast(gate: Gate) -> Forecast | None:
    plan = gate.shown.get("plan")
    if not isinstance(plan, Mapping):
        return None
    try:
        return Forecast.model_validate(plan.get("forecast"))
    except ValidationError:
        return None


def _planned(gate: Gate, name: str) -> list[dict[str, Any]]:
    plan = gate.shown.get("plan")
    entries = plan.get(name, ()) if isinstance(plan, Mapping) else ()
    return [dict(entry) for entry in entries if isinstance(entry, Mapping)]
