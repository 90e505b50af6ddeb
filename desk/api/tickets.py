"""Tickets."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from desk.api.page import Before, Limit, Page
from desk.web.access import Caller, needs
from desk.web.lab import Lab, lab_of
from labcrew.domain.ticket import AssignedTicket

router = APIRouter(prefix="/tickets", tags=["tickets"])
Viewer = Annotated[Caller, Depends(needs("viewer"))]
AnyLab = Annotated[Lab, Depends(lab_of)]


@router.get("")
def list_tickets(
    caller: Viewer,
    lab: AnyLab,
    status: Annotated[str | None, Query(max_length=40)] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Page[AssignedTicket]:
    """The tickets, newest first."""
    rows = lab.ledger.tickets.page(status=status, before=before, limit=limit)
    more = rows[-1][0] if len(rows) == limit else None
    return Page[AssignedTicket](items=tuple(ticket for _, ticket in rows), next=more)


@router.get("/{id}")
def get_ticket(caller: Viewer, lab: AnyLab, id: str) -> AssignedTicket:
    """One ticket."""
    return lab.ledger.tickets.get(id)
