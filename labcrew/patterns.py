"""Which repository paths no trial may see."""

from labcrew.domain.ticket import Ticket
from labcrew.path_patterns import matches

__all__ = ["hidden", "matches"]


def hidden(ticket: Ticket) -> tuple[str, ...]:
    """The patterns of what no trial may see: the evaluator's private paths and private data."""
    private = ticket.evaluator.private if ticket.evaluator is not None else ()
    data = (item.path for item in ticket.data if item.private and not item.external)
    return tuple(sorted({*private, *data}))
