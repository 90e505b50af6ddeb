"""The list of tickets."""

from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from desk.api.page import Before
from desk.board.pages import BoardLab, Viewer, page
from desk.views.ticket_list import ticket_list
from labcrew.domain.ticket import TicketStatus

router = APIRouter(include_in_schema=False)
_SHOWN = 40
_STATUSES: tuple[str, ...] = get_args(TicketStatus)


@router.get("/")
def first() -> RedirectResponse:
    """The page that the board opens with."""
    return RedirectResponse("/tickets")


@router.get("/tickets")
def tickets(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    status: TicketStatus | None = None,
    text: Annotated[str, Query(max_length=200)] = "",
    before: Before = None,
) -> HTMLResponse:
    """Tickets, newest first: of one status, or holding a text."""
    found = ticket_list(lab.ledger, status=status, text=text, before=before, limit=_SHOWN)
    return page(
        request,
        "tickets.html",
        caller,
        found=found,
        statuses=_STATUSES,
        status=status,
        text=text,
        before=before,
        all=sum(found.counts.values()),
        query=urlencode({k: v for k, v in {"status": status, "text": text}.items() if v}),
    )
