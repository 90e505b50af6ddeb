"""What happened, newest first, in words; lines that only matter to machines are left out."""

from datetime import datetime

from pydantic import Field

from desk.wording import sentence
from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.ledger import Ledger

_LOOKED_AT = 200


class Happening(Model):
    """One line of the ledger in words."""

    line: int
    at: datetime
    kind: str
    words: str = Field(description="untrusted text")


class Stretch(Model):
    """What one actor did without another in between, newest first."""

    actor: str
    happenings: tuple[Happening, ...]

    @property
    def first(self) -> Happening:
        return self.happenings[-1]

    @property
    def last(self) -> Happening:
        return self.happenings[0]


class Timeline(Model):
    """Some of what happened, newest first."""

    stretches: tuple[Stretch, ...]
    next: int | None = Field(description="cursor of older lines; None: these are the oldest")


def timeline(
    ledger: Ledger, ticket: str | None = None, before: int | None = None, most: int = 60
) -> Timeline:
    """A page of what happened.

    Args:
        ticket: only this ticket's lines.
        before: cursor.
        most: lines in words, at most.
    """
    told: list[tuple[str, Happening]] = []
    said: set[tuple[object, str]] = set()
    looked: set[tuple[object, str]] = set()
    cursor: int | None = before
    more = True
    while more and len(told) < most:
        lines = ledger.events.newest(_LOOKED_AT, ticket, cursor)
        more = len(lines) == _LOOKED_AT
        for position, event in enumerate(lines):
            cursor = event.sequence
            record = _record(event)
            if (about := (record, f"{event.actor} {event.kind}")) in looked:
                continue
            looked.add(about)
            words = sentence(event, ledger)
            # A line of a record names what the record says now: an older line says no more.
            if words is None or (key := (record, words)) in said:
                continue
            said.add(key)
            told.append(
                (
                    event.actor,
                    Happening(line=event.sequence, at=event.at, kind=event.kind, words=words),
                )
            )
            if len(told) == most:
                more = more or position + 1 < len(lines)
                break
    return Timeline(stretches=_stretches(told), next=cursor if more else None)


def _record(event: Event) -> object:
    data = event.data
    return (data.get("table"), data.get("id")) if "table" in data else event.sequence


def _stretches(told: list[tuple[str, Happening]]) -> tuple[Stretch, ...]:
    made: list[tuple[str, list[Happening]]] = []
    for actor, happening in told:
        if made and made[-1][0] == actor:
            made[-1][1].append(happening)
        else:
            made.append((actor, [happening]))
    return tuple(Stretch(actor=actor, happenings=tuple(found)) for actor, found in made)
