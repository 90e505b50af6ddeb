"""New lines of the ledger, given to everyone who listens; one look at the ledger serves all."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from desk.wording import sentence
from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.errors import LabcrewError
from labcrew.ledger import Ledger
from labcrew.redaction import Redaction
from sandboxes.text import clean

LOOK_S = 0.1
_AFTER_TROUBLE_S = 1.0
_MOST = 500
_HELD = 2000
_LONGEST_TEXT = 500
_LOG = logging.getLogger(__name__)


class Line(Model):
    """A line of the ledger as people watch it."""

    sequence: int
    at: datetime
    ticket: str
    actor: str
    kind: str
    text: str


class Feed:
    """Follows a ledger, whoever writes to it.

    The newest lines are held once for all. A listener has a place in them and nothing of its own,
    so that a slow one costs nothing: what is held no more it reads from the ledger.

    Args:
        ledger: only read.
        redact: takes secrets out of texts.
    """

    def __init__(self, ledger: Ledger, redact: Callable[[str], str] | None = None) -> None:
        self._ledger = ledger
        self._redact = redact or Redaction()
        self._held: list[Line] = []  # numbers without gaps, up to self._last
        self._last: int | None = None
        self._news = asyncio.Event()
        self._listeners = 0
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen."""
        return self._listeners

    def close(self) -> None:
        """Lets every listener come to its end. To be called in their event loop."""
        self._closed = True
        self._news.set()

    async def lines(
        self, after: int | None = None, ticket: str | None = None, *, once: bool = False
    ) -> AsyncIterator[tuple[Line, ...]]:
        """The lines with numbers above `after`, oldest first, some at a time, until `close`.

        Args:
            after: None, or a number that the ledger has not reached: from now on.
            ticket: only this ticket's lines.
            once: only those that stand there now; what is written meanwhile may come along.
        """
        with self._listening():
            while self._last is None and not self._closed:
                await self._news.wait()
            last = self._last or 0
            after = last if after is None else min(after, last)
            while not self._closed and not (once and after >= last):
                news, newest = self._news, self._last  # before looking, so that none is missed
                found = self._since(after)
                if found is None:
                    found = await asyncio.to_thread(self._read, ticket, after)
                    after = found[-1].sequence if found else newest or after
                elif found:
                    after = found[-1].sequence
                else:
                    await news.wait()
                wanted = tuple(x for x in found if ticket is None or x.ticket == ticket)
                if wanted:
                    yield wanted

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self._listeners += 1
        if self._looking is None:
            self._news = asyncio.Event()
            self._held, self._last = [], None
            self._looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self._listeners -= 1
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    def _since(self, after: int) -> tuple[Line, ...] | None:
        """The held lines above a number; None: some of them are not held."""
        if self._last is not None and after >= self._last:
            return ()
        if not self._held or after < self._held[0].sequence - 1:
            return None
        return tuple(self._held[after - self._held[0].sequence + 1 :])

    async def _look(self) -> None:
        while True:
            try:
                if self._last is None:
                    self._last = await asyncio.to_thread(self._ledger.events.last)
                    self._tell()
                found = await asyncio.to_thread(self._read, None, self._last)
            except Exception:  # whatever it is, those who listen are not left alone
                _LOG.exception("The ledger can't be followed now")
                await asyncio.sleep(_AFTER_TROUBLE_S)
                continue
            if found:
                self._held += found
                if len(self._held) > 2 * _HELD:
                    del self._held[:-_HELD]
                self._last = found[-1].sequence
                self._tell()
            if len(found) < _MOST:
                await asyncio.sleep(LOOK_S)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _read(self, ticket: str | None, after: int) -> tuple[Line, ...]:
        return tuple(self._line(e) for e in self._ledger.events.of(ticket, after, _MOST))

    def _line(self, event: Event) -> Line:
        try:
            said = sentence(event, self._ledger) or ""
        except LabcrewError:
            said = ""
        text = self._redact(" ".join(clean(said).split()))
        return Line(
            sequence=event.sequence,
            at=event.at,
            ticket=event.ticket,
            actor=event.actor,
            kind=event.kind,
            text=text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…",
        )
