"""The database under the ledger: who writes when, and what one commit holds."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from labcrew.domain.base import canonical_json
from labcrew.domain.event import Event
from labcrew.errors import LeaseLost, LedgerError
from labcrew.ledger import sqlite
from labcrew.ledger.anchor import Anchor, Head
from labcrew.ledger.chain import event_of, line_hash, plain, stamp, text_of
from labcrew.ledger.faults import translated
from labcrew.ledger.leases import Lease
from labcrew.ledger.schema import EVENTS, HEAD, ID_LENGTH, KEY_LENGTH, LEASES
from labcrew.ports import Clock


def _task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def checked(*, ticket: str, actor: str, kind: str, key: str, data: dict[str, Any]) -> Any:
    """A line's data as it is kept. Raises LedgerError for a line that can't be kept."""
    for name, value, limit in (
        ("ticket", ticket, ID_LENGTH),
        ("actor", actor, ID_LENGTH),
        ("kind", kind, ID_LENGTH),
        ("key", key, KEY_LENGTH),
    ):
        if len(value) > limit:
            raise LedgerError(f"An event's {name} is {len(value)} characters long, over {limit}.")
    kept = plain(text_of(data))
    try:
        line_hash(0, "", ticket, actor, kind, key, kept, "")
    except UnicodeEncodeError as error:
        raise LedgerError(f"An event holds text that is not valid Unicode: {error}.") from None
    return kept


class Transaction:
    """One commit in the making. The store hands it out; it never outlives its block."""

    def __init__(self, connection: Connection, head: Head, now: str) -> None:
        self.connection = connection
        self.head = head
        self.now = now
        self.task = _task()
        self.broken = False
        self._fences: set[tuple[str, int]] = set()

    def fence(self, lease: Lease | None) -> None:
        """Raises LeaseLost unless the lease's token is the ticket's current one."""
        if lease is None or (lease.ticket, lease.token) in self._fences:
            return
        query = select(LEASES.c.holder, LEASES.c.token).where(LEASES.c.ticket == lease.ticket)
        row = self.connection.execute(query).one_or_none()
        if row is None or (row.holder, row.token) != (lease.holder, lease.token):
            raise LeaseLost(
                f"{lease.holder} no longer holds {lease.ticket} (token {lease.token}).",
                "Another worker has it now; nothing was written.",
            )
        self._fences.add((lease.ticket, lease.token))

    def unfence(self) -> None:
        """Forgets which leases were checked, after one changed in this transaction."""
        self._fences.clear()

    def append(
        self, *, ticket: str, actor: str, kind: str, key: str, data: dict[str, Any]
    ) -> Event:
        """Adds a line, or answers the one that has this key already."""
        known = self.connection.execute(select(EVENTS).where(EVENTS.c.key == key)).one_or_none()
        if known is not None:
            return event_of(known)
        return self.add(ticket=ticket, actor=actor, kind=kind, key=key, data=data)

    def add(self, *, ticket: str, actor: str, kind: str, key: str, data: dict[str, Any]) -> Event:
        """Adds a line whose key is known to be new."""
        kept = checked(ticket=ticket, actor=actor, kind=kind, key=key, data=data)
        sequence, previous = self.head.sequence + 1, self.head.hash
        digest = line_hash(sequence, self.now, ticket, actor, kind, key, kept, previous)
        self.connection.execute(
            EVENTS.insert(),
            {
                "sequence": sequence,
                "at": self.now,
                "ticket": ticket,
                "actor": actor,
                "kind": kind,
                "key": key,
                "data": canonical_json(kept),
                "previous": previous,
                "hash": digest,
            },
        )
        self.head = Head(sequence, digest)
        return Event(
            sequence=sequence,
            at=datetime.fromisoformat(self.now),
            ticket=ticket,
            actor=actor,
            kind=kind,
            key=key,
            data=kept,
            previous=previous,
            hash=digest,
        )


class Store:
    """An engine, one writer at a time in this process, and the head anchor."""

    def __init__(self, url: str, anchor: Path, clock: Clock, wait_s: float) -> None:
        try:
            self.name = make_url(url).render_as_string(hide_password=True)
            options = (
                {} if make_url(url).database in (None, "", ":memory:") else {"max_overflow": -1}
            )
            self.engine: Engine = create_engine(url, **options)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise LedgerError(
                f"The ledger's address can't be used: {error}.",
                "Give ledger_url a SQLAlchemy URL, and install its driver.",
            ) from None
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            sqlite.prepare(self.engine, wait_s)
        self.writer = self.engine.execution_options(**{sqlite.WRITE: True})
        self.anchor = Anchor(anchor)
        self.clock = clock
        self.wait_s = wait_s
        self.keys_in_flight: dict[str, threading.Lock] = {}
        self.notes: deque[dict[str, Any]] = deque()
        self._turn = threading.Lock()
        self._local = threading.local()

    def close(self) -> None:
        """Lets go of the database; SQLite folds its log into the file."""
        try:
            self.write_notes()
        finally:
            self.engine.dispose()

    def write_notes(self) -> None:
        """Writes the lines that wait for a transaction; any transaction takes them along."""
        if self.notes:
            with self.writing():
                return

    def refuse_open_transaction(self) -> None:
        """Raises LedgerError inside a transaction of this thread."""
        if getattr(self._local, "transaction", None) is not None:
            raise LedgerError(
                "An effect can't happen inside a ledger transaction.",
                "Close the transaction first: the intent must be on disk before the effect.",
            )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the ledger, or this thread's open transaction."""
        current: Transaction | None = getattr(self._local, "transaction", None)
        if current is not None and current.task is _task():
            with translated(self.name, alone=True):
                yield current.connection
            return
        with translated(self.name, alone=True), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, lease: Lease | None = None) -> Iterator[Transaction]:
        """The thread's open transaction, or a new one that commits at the end of the block.

        Raises:
            LeaseLost: the lease is not current; nothing was written.
            StorageFull: the disk is full; nothing was written, unless only the anchor was left.
            LedgerError: locked, damaged, or another task of this thread has a transaction open.
        """
        current: Transaction | None = getattr(self._local, "transaction", None)
        if current is None:
            with self._outermost() as transaction:
                transaction.fence(lease)
                yield transaction
            return
        if current.task is not _task():
            raise LedgerError(
                "Another task of this thread has a ledger transaction open.",
                "A transaction must not be held across an await.",
            )
        current.fence(lease)
        with translated(self.name):
            try:
                yield current
            except SQLAlchemyError:
                current.broken = True
                raise

    @contextmanager
    def grouped(self, lease: Lease | None = None) -> Iterator[None]:
        """Any number of writes in one commit; an inner group that fails is undone by itself."""
        outer: Transaction | None = getattr(self._local, "transaction", None)
        with self.writing(lease) as transaction:
            if outer is None:
                yield
                return
            head, broken = transaction.head, transaction.broken
            try:
                with translated(self.name), transaction.connection.begin_nested():
                    yield
            except BaseException:
                transaction.head, transaction.broken = head, broken
                transaction.unfence()
                raise

    @contextmanager
    def _outermost(self) -> Iterator[Transaction]:
        if not self._turn.acquire(timeout=self.wait_s):
            raise LedgerError(
                f"The ledger {self.name} is locked: another thread has kept it for too long.",
                "Keep transactions short, and never wait for anything inside one.",
            )
        taken: list[dict[str, Any]] = []
        try:
            with translated(self.name), self.writer.begin() as connection:
                row = connection.execute(select(HEAD).with_for_update()).one()
                start = Head(row.sequence, row.hash)
                transaction = Transaction(connection, start, stamp(self.clock.now()))
                self._local.transaction = transaction
                taken = [self.notes.popleft() for _ in range(len(self.notes))]
                try:
                    for line in taken:
                        transaction.append(**line)
                    yield transaction
                finally:
                    self._local.transaction = None
                if transaction.broken:
                    raise LedgerError("A write of this transaction failed: nothing was kept of it.")
                if transaction.head != start:
                    connection.execute(
                        HEAD.update().values(
                            sequence=transaction.head.sequence, hash=transaction.head.hash
                        )
                    )
            taken = []  # they stand
            if transaction.head != start:
                self.anchor.write(transaction.head)
        finally:
            self.notes.extendleft(reversed(taken))
            self._turn.release()
