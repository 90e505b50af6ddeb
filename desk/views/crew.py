"""What each of the crew does now, read off its newest lines of the ledger."""

from datetime import datetime

from pydantic import Field

from desk.wording import NAMES, sentence
from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.ledger import Ledger
from sandboxes.text import clean

_BATCH, _BATCHES = 100, 5


class AtDesk(Model):
    """One of the crew."""

    actor: str = Field(description="as the ledger's lines name it")
    name: str
    ticket: str = Field(default="", description="that it last worked on; empty: none yet")
    doing: str = Field(default="", description="what its newest line says: untrusted text")
    since: datetime | None = None
    line: int | None = Field(default=None, description="the line's number")


def crew_of(ledger: Ledger) -> tuple[AtDesk, ...]:
    """Everyone of the crew, each with the newest thing it did, however long ago."""
    return tuple(_at_desk(ledger, actor) for actor in NAMES)


def last_done(ledger: Ledger, actor: str, ticket: str | None = None) -> tuple[Event, str] | None:
    """What an actor did last, and the line that says it; its newest where none of 500 has words.

    Args:
        ledger: only read.
        actor: as lines name it.
        ticket: only lines of this ticket or loop.
    """
    newest: Event | None = None
    before: int | None = None
    for _ in range(_BATCHES):
        lines = ledger.events.newest(_BATCH, ticket, before, actor)
        for event in lines:
            newest = newest or event
            if (words := sentence(event, ledger)) is not None:
                return event, " ".join(clean(words).split())
        if len(lines) < _BATCH:
            break
        before = lines[-1].sequence
    if newest is None or not newest.ticket:
        return None
    return newest, f"Took part in {newest.ticket}"


def _at_desk(ledger: Ledger, actor: str) -> AtDesk:
    found = last_done(ledger, actor)
    if found is None:
        return AtDesk(actor=actor, name=NAMES[actor])
    event, words = found
    return AtDesk(
        actor=actor,
        name=NAMES[actor],
        ticket=event.ticket,
        doing=words,
        since=event.at,
        line=event.sequence,
    )
