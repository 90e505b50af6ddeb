"""The list of tickets: a page of it, quick however many there are."""

from pydantic import Field

from desk.views.costs import runs_used
from labcrew.domain.base import Model
from labcrew.domain.ticket import AssignedTicket, TicketStatus
from labcrew.ledger import Ledger

_OPEN_GATES = 500


class TicketRow(Model):
    """A ticket in a list."""

    line: int = Field(description="cursor")
    assigned: AssignedTicket
    runs: int = Field(
        description="of its budget, used or promised; a lost one that was started again is none"
    )
    waits: tuple[str, ...] = Field(description="its open gates")


class TicketList(Model):
    """Some tickets, newest first."""

    rows: tuple[TicketRow, ...]
    next: int | None = Field(description="cursor of the next page")
    counts: dict[str, int] = Field(description="of all tickets, by status")


def ticket_list(
    ledger: Ledger,
    *,
    status: TicketStatus | None = None,
    text: str = "",
    before: int | None = None,
    limit: int = 50,
) -> TicketList:
    """A page of tickets.

    Args:
        status: only those.
        text: only those that hold it anywhere: title, question, command, path.
        before: cursor.
        limit: rows at most.
    """
    found = ledger.tickets.page(limit=limit + 1, before=before, status=status, holding=text.strip())
    shown = found[:limit]
    ids = [assigned.id for _, assigned in shown]
    runs = runs_used(ledger, ids)
    waiting = waiting_by_ticket(ledger)
    return TicketList(
        rows=tuple(
            TicketRow(
                line=line,
                assigned=assigned,
                runs=runs.get(assigned.id, 0),
                waits=waiting.get(assigned.id, ()),
            )
            for line, assigned in shown
        ),
        next=shown[-1][0] if len(found) > limit else None,
        counts=ledger.tickets.tally("status"),
    )


def waiting_by_ticket(ledger: Ledger) -> dict[str, tuple[str, ...]]:
    """The open gates of each ticket, the newest 500 of all."""
    waiting: dict[str, tuple[str, ...]] = {}
    for gate in ledger.gates.all(status="open", limit=_OPEN_GATES):
        waiting[gate.ticket] = (*waiting.get(gate.ticket, ()), gate.id)
    return waiting
