"""The list of tickets."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from desk.board.pages import page
from desk.web.access import Caller, needs
from desk.web.lab import Lab, lab_of

router = APIRouter(include_in_schema=False)
_SHOWN = 50


@router.get("/tickets")
def tickets(
    request: Request,
    caller: Annotated[Caller, Depends(needs("viewer"))],
    lab: Annotated[Lab, Depends(lab_of)],
) -> HTMLResponse:
    """All tickets, newest first."""
    rows = [ticket for _, ticket in lab.ledger.tickets.page(limit=_SHOWN)]
    return page(request, "tickets.html", caller, tickets=rows)
