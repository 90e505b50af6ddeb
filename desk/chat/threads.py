"""Threads and their messages in the ledger: per person, numbered, each once."""

from typing import Any

from labcrew.domain.conversation import ChatMessage, Proposal, Thread
from labcrew.errors import InputError, NotFound
from labcrew.ledger import Ledger
from labcrew.ports import Clock

MOST_TITLE = 120
_NEWEST = 100
_AGAIN = 200
"""Messages among which one that is sent again is looked for."""


class Threads:
    """The conversations of a lab's people.

    Args:
        ledger: where they are kept.
        clock: when things are said.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def open(self, by: str, title: str = "") -> Thread:
        """A new thread of a person's."""
        with self._ledger.transaction():
            number = self._ledger.threads.count() + 1
            thread = Thread(
                id=f"C-{number:04d}",
                by=by,
                title=_title(title) or "A conversation",
                opened_at=self._clock.now(),
            )
            self._ledger.threads.put(thread, actor=f"person:{by}", kind="thread.opened")
        return thread

    def rename(self, id: str, by: str, title: str) -> Thread:
        """Gives a thread another name. Raises InputError, NotFound."""
        if not _title(title):
            raise InputError("A thread's name has 1 to 120 characters.")
        with self._ledger.transaction():
            thread = self.get(id, by).model_copy(update={"title": _title(title)})
            self._ledger.threads.put(thread, actor=f"person:{by}", kind="thread.renamed")
        return thread

    def get(self, id: str, by: str) -> Thread:
        """A person's own thread. Raises NotFound, for another's too."""
        thread = self._ledger.threads.find(id)
        if thread is None or thread.by != by:
            mine = ", ".join(one.id for one in self.of(by)[:3])
            raise NotFound(
                f"{by} has no thread {id!r}.",
                f"The newest are {mine}." if mine else "Leave it out to begin one.",
            )
        return thread

    def of(self, by: str) -> list[Thread]:
        """A person's newest threads, newest first."""
        mine: list[Thread] = []
        before: int | None = None
        while len(mine) < _NEWEST:
            rows = self._ledger.threads.page(limit=500, before=before)
            mine += [thread for _, thread in rows if thread.by == by]
            if len(rows) < 500:
                break
            before = rows[-1][0]
        return mine[:_NEWEST]

    def messages(self, id: str) -> list[ChatMessage]:
        """A thread's messages, oldest first."""
        return self._ledger.messages.of(id)

    def newest(self, id: str, limit: int) -> list[ChatMessage]:
        """The newest messages of a thread, oldest first."""
        rows = self._ledger.messages.page(ticket=id, limit=limit)
        return [message for _, message in reversed(rows)]

    def proposals(self, id: str) -> dict[str, Proposal]:
        """A thread's proposals by their ids."""
        return {proposal.id: proposal for proposal in self._ledger.proposals.of(id)}

    def add(self, thread: str, **fields: Any) -> ChatMessage:
        """Adds a message behind the newest one."""
        with self._ledger.transaction():
            number = self._ledger.messages.count(thread) + 1
            message = ChatMessage(
                id=f"{thread}-M{number:05d}",
                thread=thread,
                number=number,
                at=self._clock.now(),
                **fields,
            )
            who = f"person:{message.by}" if message.role == "person" else "coordinator"
            self._ledger.messages.put(message, actor=who, kind="message.said")
        return message

    def said(self, thread: str, key: str) -> ChatMessage | None:
        """The person's message that was sent with this key."""
        if not key:
            return None
        found = [m for m in self.newest(thread, _AGAIN) if m.role == "person" and m.key == key]
        return found[0] if found else None

    def reply_to(self, message: ChatMessage) -> ChatMessage | None:
        """The coordinator's answer to a message, if it was given."""
        found = [m for m in self.newest(message.thread, _AGAIN) if m.answers == message.number]
        return found[0] if found else None

    def propose(self, thread: str, by: str, fields: dict[str, Any]) -> Proposal:
        """Writes down what waits for a yes; what waited before in this thread waits no more."""
        with self._ledger.transaction():
            earlier = self._ledger.proposals.of(thread)
            for old in earlier:
                if old.status == "open":
                    update = {"status": "lapsed", "outcome": "Something else was asked for since."}
                    self._ledger.proposals.put(
                        old.model_copy(update=update), actor=f"person:{by}", kind="proposal.lapsed"
                    )
            proposal = Proposal(
                id=f"{thread}-P{len(earlier) + 1:04d}", thread=thread, by=by, **fields
            )
            self._ledger.proposals.put(proposal, actor="coordinator", kind="proposal.made")
        return proposal


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_TITLE else f"{line[: MOST_TITLE - 1]}…"
