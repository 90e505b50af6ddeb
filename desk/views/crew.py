"""What each of the crew does now, read off the newest lines of the ledger."""

from datetime import datetime

from pydantic import Field

from desk.wording import NAMES, sentence
from labcrew.domain.base import Model
from labcrew.ledger import Ledger
from sandboxes.text import clean

_LOOKED_AT = 400


class AtDesk(Model):
    """One of the crew."""

    actor: str = Field(description="as the ledger's lines name it")
    name: str
    ticket: str = Field(default="", description="that it last worked on; empty: none yet")
    doing: str = Field(default="", description="what its newest line says: untrusted text")
    since: datetime | None = None
    line: int | None = Field(default=None, description="the line's number")


def crew_of(ledger: Ledger) -> tuple[AtDesk, ...]:
    """Everyone of the crew, each with the newest thing it did among the last 400 lines."""
    found: dict[str, AtDesk] = {}
    for event in ledger.events.newest(_LOOKED_AT):
        if event.actor not in NAMES or event.actor in found:
            continue
        words = sentence(event, ledger)
        if words is None:
            continue
        found[event.actor] = AtDesk(
            actor=event.actor,
            name=NAMES[event.actor],
            ticket=event.ticket,
            doing=" ".join(clean(words).split()),
            since=event.at,
            line=event.sequence,
        )
    return tuple(found.get(actor, AtDesk(actor=actor, name=NAMES[actor])) for actor in NAMES)
