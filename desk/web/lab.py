"""What the web serves: one open home, who may enter it, and its newest lines as they come."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Self

from fastapi import Request

from desk.chat.coordinator import Coordinator
from desk.evolutions import Evolutions
from desk.office import Office
from desk.views.overnight import Overnight
from desk.views.recall import Recall
from desk.web.access import Access
from desk.web.attempts import Attempts
from desk.web.feed import Feed
from desk.web.sessions import Sessions
from desk.wiring import Opened, redaction
from labcrew.ledger import Ledger


@dataclass(frozen=True)
class Lab:
    """Handed to every route.

    Args:
        opened: the home.
        access: who may enter.
        feed: new lines of the ledger.
    """

    opened: Opened
    access: Access
    feed: Feed

    @classmethod
    def of(cls, opened: Opened) -> Self:
        """What is served of an open home."""
        access = Access(opened.home.access_file, opened.clock)
        return cls(opened, access, Feed(opened.ledger, redaction(opened.settings)))

    @property
    def ledger(self) -> Ledger:
        return self.opened.ledger

    @cached_property
    def recall(self) -> Recall:
        """Searches what the crew remembers."""
        from memory.embedding import OnnxEmbedder

        return Recall(self.ledger, OnnxEmbedder())

    @cached_property
    def overnight(self) -> Overnight:
        """Writes morning reports."""
        return Overnight(self.ledger, self.opened.clock)

    @cached_property
    def coordinator(self) -> Coordinator:
        """Who answers in the chat; it reads no files of this machine."""
        from desk.chat.building import coordinator

        return coordinator(self.opened, recall=self.recall)

    @cached_property
    def office(self) -> Office:
        """What people do here."""
        return self.opened.office()

    @cached_property
    def evolutions(self) -> Evolutions:
        """What people do with loops of self-evolution."""
        return self.opened.evolutions()

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in with a browser."""
        lasts = timedelta(hours=self.opened.settings.board.session_hours)
        return Sessions(self.access, self.opened.clock, lasts)

    @cached_property
    def attempts(self) -> Attempts:
        """How often somebody failed to sign in."""
        return Attempts(self.opened.clock)

    @cached_property
    def cookie(self) -> str:
        """The session cookie's name; each home has its own, for cookies know no ports."""
        return f"labcrew-{self.opened.home.id}"


def lab_of(request: Request) -> Lab:
    """The lab that a request is about; a route's dependency."""
    lab: Lab = request.app.state.lab
    return lab
