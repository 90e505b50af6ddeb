"""The crew at work: everyone at their desks, live."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from desk import commissions
from desk.board.pages import BoardLab, Viewer, page
from desk.views.room import room_of

router = APIRouter(prefix="/crew", include_in_schema=False)


@router.get("")
def crew(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    ticket: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """Who does what now, on all tickets and loops or on one."""
    if ticket is not None:
        commissions.get(lab.ledger, ticket)
    return page(request, "crew.html", caller, room=room_of(lab.ledger, ticket), ticket=ticket)
