"""What waits for a person: the inbox and each gate."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from desk.board.pages import BoardLab, Viewer, page
from desk.commissions import is_loop, titles
from desk.views.failed import failed_in
from desk.views.forecasts import TrackRecord, track_record
from desk.web.lab import Lab
from labcrew.domain.experiment import Forecast
from labcrew.domain.review import Gate
from labcrew.domain.ticket import AssignedTicket

router = APIRouter(include_in_schema=False)
_DECIDED = 10
_SHOWN = 50


@router.get("/inbox")
def inbox(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """Every gate that waits, oldest first, what failed, and what was decided last."""
    gates, failed = lab.office.inbox(), failed_in(lab.ledger)
    shown = gates[:_SHOWN]
    decided = [decision for _, decision in lab.ledger.decisions.page(limit=_DECIDED)]
    return page(
        request,
        "inbox.html",
        caller,
        gates=shown,
        more=len(gates) - len(shown),
        failed=failed[-_SHOWN:],
        more_failed=len(failed[:-_SHOWN]),
        decided=decided,
        titles=titles(lab.ledger, {gate.ticket for gate in shown}),
    )


@router.get("/inbox/count")
def count(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """How many gates and failures wait, for the navigation."""
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
        record=_record(lab, found, assigned),
        suggestions=_planned(found, "suggestions"),
        quarantine=_planned(found, "quarantine"),
    )


def _record(lab: Lab, gate: Gate, assigned: AssignedTicket | None) -> TrackRecord | None:
    """How earlier forecasts fared; a loop's spec holds none."""
    if gate.kind != "plan" or is_loop(gate.ticket):
        return None
    return track_record(lab.ledger, besides=assigned)


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
