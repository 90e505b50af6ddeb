"""The list of tickets."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from desk.board.pages import BoardLab, Viewer, page

router = APIRouter(include_in_schema=False)
_SHOWN = 50


@router.get("/")
def first() -> RedirectResponse:
    """The page that the board opens with."""
    return RedirectResponse("/tickets")


@router.get("/tickets")
def tickets(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """All tickets, newest first."""
    rows = [ticket for _, ticket in lab.ledger.tickets.page(limit=_SHOWN)]
    return page(request, "tickets.html", caller, tickets=rows)
