"""Tickets and loops by their ids: what gates, merge requests and lines of the ledger belong to."""

from collections.abc import Collection
from urllib.parse import quote

from labcrew.domain.evolution import Evolution
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger


def is_loop(id: str) -> bool:
    """Whether an id is a loop's of self-evolution: E-001."""
    return id.startswith("E-")


def table_of(id: str) -> str:
    """The ledger's table that holds it."""
    return "evolutions" if is_loop(id) else "tickets"


def find(ledger: Ledger, id: str) -> AssignedTicket | Evolution | None:
    """A ticket or a loop; None where there is none."""
    return ledger.evolutions.find(id) if is_loop(id) else ledger.tickets.find(id)


def get(ledger: Ledger, id: str) -> AssignedTicket | Evolution:
    """A ticket or a loop. Raises NotFound."""
    return ledger.evolutions.get(id) if is_loop(id) else ledger.tickets.get(id)


def title_of(found: AssignedTicket | Evolution) -> str:
    """What a person called it."""
    return found.spec.title if isinstance(found, Evolution) else found.ticket.title


def titles(ledger: Ledger, ids: Collection[str]) -> dict[str, str]:
    """The titles of those that are there, by id."""
    loops = {id for id in ids if is_loop(id)}
    tickets = ledger.tickets.some(set(ids) - loops)
    return {id: one.ticket.title for id, one in tickets.items()} | {
        id: one.spec.title for id, one in ledger.evolutions.some(loops).items()
    }


def place(id: str) -> str:
    """The address of its page on the board."""
    return f"/{'evolutions' if is_loop(id) else 'tickets'}/{quote(id, safe='')}"


def command(id: str) -> str:
    """The command that shows it."""
    return f"labcrew evolution show {id}" if is_loop(id) else f"labcrew ticket show {id}"


def again(id: str) -> str:
    """The command that has it tried again once it failed."""
    return f"labcrew evolution resume {id}" if is_loop(id) else f"labcrew ticket retry {id}"


def working_on(id: str) -> str:
    """The command that goes on with it."""
    return f"labcrew evolve {id}" if is_loop(id) else f"labcrew run {id}"
