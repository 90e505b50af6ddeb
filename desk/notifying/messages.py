"""What is told of a line of the ledger; nothing of most."""

from collections.abc import Mapping

from desk.commissions import find, title_of
from desk.wording import sentence
from labcrew.domain.background import Told
from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.ledger import Ledger
from labcrew.plain_text import HALVES, ODD

_KINDS: Mapping[str, Told] = {
    "gate.opened": "gate",
    "incident.opened": "incident",
    "ticket.failed": "ticket",
    "merge_request.opened": "merge_request",
    "merge_request.merged": "merge_request",
    "merge_request.closed": "merge_request",
    "evolution.ended": "evolution",
    "schedule.failed": "schedule",
    "schedule.skipped": "schedule",
}
_LONGEST = 300


class Message(Model):
    """What somebody is told. It holds no more of a ticket than its title and one sentence."""

    id: str
    kind: Told
    event: str
    ticket: str
    title: str
    text: str
    at: str


def message_of(event: Event, ledger: Ledger) -> Message | None:
    """The message for a line, None where nobody is told of it."""
    kind = _KINDS.get(event.kind)
    if kind is None:
        return None
    known = find(ledger, event.ticket) if event.ticket else None
    told = sentence(event, ledger) or str(event.data.get("because", "")) or event.kind
    return Message(
        id=f"{event.sequence}-{event.hash[:16]}",
        kind=kind,
        event=event.kind,
        ticket=event.ticket,
        title=_line(title_of(known)) if known is not None else "",
        text=_line(told),
        at=event.at.isoformat(timespec="seconds"),
    )


def _line(text: str) -> str:
    return " ".join(HALVES.sub("", ODD.sub("", text)).split())[:_LONGEST]
