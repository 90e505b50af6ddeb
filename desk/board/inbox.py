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
_SHOWN = 50


@router.get("/inbox")
def inbox(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """Every gate that waits, oldest first, and what was decided last."""
    gates = lab.office.inbox()
    shown = gates[:_SHOWN]
    decided = [decision for _, decision in lab.ledger.decisions.page(limit=_DECIDED)]
    tickets = lab.ledger.tickets.some({gate.ticket for gate in shown})
    return page(
        request,
        "inbox.html",
        caller,
        gates=shown,
        more=len(gates) - len(shown),
        decided=decided,
        titles={id: assigned.ticket.title for id, assigned in tickets.items()},
    )


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
