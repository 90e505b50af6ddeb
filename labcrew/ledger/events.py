"""The log: append-only lines, each with a key that makes a re-run harmless."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from labcrew.domain.event import Event
from labcrew.errors import LedgerError
from labcrew.ledger.chain import RESERVED, event_of
from labcrew.ledger.leases import Lease
from labcrew.ledger.schema import EVENTS
from labcrew.ledger.store import checked

if TYPE_CHECKING:
    from labcrew.ledger.store import Store


class Events:
    """The lines of a ledger; records add theirs by themselves."""

    def __init__(self, store: "Store", lease: Lease | None) -> None:
        self._store = store
        self._lease = lease

    def append(
        self, *, ticket: str, actor: str, kind: str, key: str, data: dict[str, Any]
    ) -> Event:
        """Adds a line; a key that is known answers its line and adds nothing.

        Args:
            ticket: whose line it is; empty for the home's.
            actor: an agent, 'person:<name>', 'worker' or 'rule'.
            kind: dotted, e.g. trial.started.
            key: ticket, logical step, revision: the same on every re-run, at most 500 characters.
            data: anything JSON can hold; NaN and infinities are kept as strings.

        Raises:
            LeaseLost: the ledger is fenced and its lease is no longer current.
            LedgerError: the key is one of the ledger's own, or a value can't be kept.
        """
        if key.startswith(RESERVED):
            raise LedgerError(f"The key {key!r} is kept for the ledger itself: choose another.")
        with self._store.writing(self._lease) as transaction:
            return transaction.append(ticket=ticket, actor=actor, kind=kind, key=key, data=data)

    def note(self, *, ticket: str, actor: str, kind: str, key: str, data: dict[str, Any]) -> None:
        """Adds a line with the next write or look at the log, for a commit costs milliseconds.

        For what goes before a write of its own, such as a tool's call before its result: a process
        killed in between leaves neither, and the step that is run again notes it again.

        Raises:
            LedgerError: the key is one of the ledger's own, or a value can't be kept.
        """
        if key.startswith(RESERVED):
            raise LedgerError(f"The key {key!r} is kept for the ledger itself: choose another.")
        line = {"ticket": ticket, "actor": actor, "kind": kind, "key": key}
        # Now: a line that can't be kept would be refused to every write that takes it along.
        self._store.notes.append({**line, "data": checked(**line, data=data)})

    def of(
        self,
        ticket: str | None = None,
        after: int = 0,
        limit: int | None = None,
        kind: str | None = None,
    ) -> list[Event]:
        """The lines of a ticket, or all (None), with a number above `after`, oldest first."""
        query = select(EVENTS).where(EVENTS.c.sequence > after).order_by(EVENTS.c.sequence)
        if ticket is not None:
            query = query.where(EVENTS.c.ticket == ticket)
        if kind is not None:
            query = query.where(EVENTS.c.kind == kind)
        if limit is not None:
            query = query.limit(limit)
        self._store.write_notes()
        with self._store.reading() as connection:
            return [event_of(row) for row in connection.execute(query)]

    def newest(
        self,
        limit: int,
        ticket: str | None = None,
        before: int | None = None,
        actor: str | None = None,
    ) -> list[Event]:
        """The newest lines, newest first, numbered below `before`; of a ticket, of an actor."""
        query = select(EVENTS).order_by(EVENTS.c.sequence.desc()).limit(limit)
        if ticket is not None:
            query = query.where(EVENTS.c.ticket == ticket)
        if before is not None:
            query = query.where(EVENTS.c.sequence < before)
        if actor is not None:
            query = query.where(EVENTS.c.actor == actor)
        self._store.write_notes()
        with self._store.reading() as connection:
            return [event_of(row) for row in connection.execute(query)]

    def last(self) -> int:
        """The number of the newest line, 0 where there is none."""
        self._store.write_notes()
        with self._store.reading() as connection:
            return int(connection.execute(select(func.max(EVENTS.c.sequence))).scalar() or 0)

    def find(self, key: str) -> Event | None:
        """The line that has this key."""
        self._store.write_notes()
        with self._store.reading() as connection:
            row = connection.execute(select(EVENTS).where(EVENTS.c.key == key)).one_or_none()
        return None if row is None else event_of(row)

    def count(self, ticket: str | None = None, kind: str | None = None) -> int:
        """How many lines there are, of a ticket or kind if given."""
        query = select(func.count()).select_from(EVENTS)
        if ticket is not None:
            query = query.where(EVENTS.c.ticket == ticket)
        if kind is not None:
            query = query.where(EVENTS.c.kind == kind)
        self._store.write_notes()
        with self._store.reading() as connection:
            return int(connection.execute(query).scalar_one())
