"""Typed records: one table a kind, every change with a line in the log."""

import difflib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal

from pydantic import ValidationError
from pydantic_core import to_json
from sqlalchemy import Row, bindparam, func, select

from labcrew.domain.base import canonical_json
from labcrew.errors import Conflict, LedgerError, NotFound
from labcrew.ledger.chain import RESERVED, plain, text_hash, text_of
from labcrew.ledger.leases import Lease
from labcrew.ledger.schema import EVENTS, ID_LENGTH, RECORDS, Kind, T

if TYPE_CHECKING:
    from labcrew.ledger.store import Store, Transaction


def put_key(table: str, id: str, version: int) -> str:
    """The key of the line that a record's change adds."""
    return f"{RESERVED}put/{table}/{id}@{version}"


class Records(Generic[T]):
    """The records of one kind."""

    def __init__(self, store: "Store", kind: Kind[T], lease: Lease | None) -> None:
        self._store = store
        self._kind = kind
        self._lease = lease
        self._table = RECORDS[kind.table]
        # Made once: what SQLAlchemy keeps of a statement is found sooner for the same object.
        self._by_id = select(self._table).where(self._table.c.id == bindparam("id"))

    def put(self, record: T, *, actor: str, kind: str = "") -> None:
        """Inserts or replaces a record and adds a line that carries the document's hash.

        Offering the stored document again does nothing at all, so that a re-run is harmless.

        Args:
            record: its id decides what it replaces; it can't move to another ticket.
            actor: who does it, e.g. an agent or 'person:<name>'.
            kind: the line's kind; default: '<table>.put'.

        Raises:
            Conflict: the gate is decided already, and differently.
            NotFound: the merge request of a comment, or the gate of a decision, is not there.
            LeaseLost: the ledger is fenced and its lease is no longer current.
            LedgerError: the record can't be kept as it is.
        """
        id, document = self._kind.id(record), text_of(record)
        if not 0 < len(id) <= ID_LENGTH:
            raise LedgerError(
                f"A record's id must have 1 to {ID_LENGTH} characters, not {len(id)}."
            )
        with self._store.writing(self._lease) as transaction:
            stored = transaction.connection.execute(self._by_id, {"id": id}).one_or_none()
            if stored is not None and self._same(stored.document, document):
                return
            if stored is not None and self._kind.once_but_for is not None:
                raise self._already(self._record(stored))
            values = self._values(transaction, record, id, document)
            if stored is not None and stored.ticket != values["ticket"]:
                raise LedgerError(
                    f"{id!r} in {self._kind.table} belongs to ticket {stored.ticket!r}"
                    f" and can't move to {values['ticket']!r}."
                )
            values["version"] = 1 if stored is None else stored.version + 1
            event = transaction.add(
                ticket=values["ticket"],
                actor=actor,
                kind=kind or f"{self._kind.table}.put",
                key=put_key(self._kind.table, id, values["version"]),
                data={
                    "table": self._kind.table,
                    "id": id,
                    "version": values["version"],
                    "sha256": text_hash(document),
                },
            )
            if stored is None:
                values |= {"id": id, "line": event.sequence, "created_at": transaction.now}
                transaction.connection.execute(self._table.insert(), values)
            else:
                transaction.connection.execute(
                    self._table.update().where(self._table.c.id == id).values(values)
                )

    def find(self, id: str) -> T | None:
        """The record with this id, None where there is none."""
        with self._store.reading() as connection:
            row = connection.execute(self._by_id, {"id": id}).one_or_none()
        return None if row is None else self._record(row)

    def get(self, id: str) -> T:
        """The record with this id. Raises NotFound, which names the ids nearest to it."""
        found = self.find(id)
        if found is not None:
            return found
        with self._store.reading() as connection:
            query = select(self._table.c.id).order_by(self._table.c.line.desc()).limit(2000)
            known = [str(known) for known in connection.execute(query).scalars()]
        near = difflib.get_close_matches(id, known, n=3, cutoff=0.5) or known[:3]
        raise NotFound(
            f"There is no {id!r} among the {self._kind.table.replace('_', ' ')}.",
            f"Did you mean {' or '.join(near)}?" if near else "There are none yet.",
        )

    def some(self, ids: Collection[str]) -> dict[str, T]:
        """The records with these ids, by id; those that are not there are left out."""
        if not ids:
            return {}
        query = select(self._table).where(self._table.c.id.in_(ids))
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return {str(row.id): self._record(row) for row in rows}

    def of(self, ticket: str) -> list[T]:
        """A ticket's records, in the order in which they were first put."""
        query = select(self._table).where(self._table.c.ticket == ticket)
        with self._store.reading() as connection:
            rows = connection.execute(query.order_by(self._table.c.line)).all()
        return [self._record(row) for row in rows]

    def all(self, *, status: str | None = None, limit: int | None = None) -> list[T]:
        """All records, oldest first; of one status, and the newest `limit` of them, if given.

        Raises:
            LedgerError: this kind of record has no status.
        """
        query = select(self._table)
        if status is not None:
            query = query.where(self._status() == status)
        if limit is not None:
            newest = query.order_by(self._table.c.line.desc()).limit(limit)
            with self._store.reading() as connection:
                rows = list(reversed(connection.execute(newest).all()))
        else:
            with self._store.reading() as connection:
                rows = list(connection.execute(query.order_by(self._table.c.line)).all())
        return [self._record(row) for row in rows]

    def page(
        self,
        *,
        limit: int,
        before: int | None = None,
        status: str | None = None,
        ticket: str | None = None,
        holding: str = "",
        parent: str | None = None,
    ) -> list[tuple[int, T]]:
        """The newest records, newest first, each with the number of the line that first put it.

        Args:
            limit: how many at most.
            before: only those whose number is below this: the last one's of the page before.
            status: only those with this status.
            ticket: only this ticket's.
            holding: only those whose document holds this text, in capitals or not.
            parent: only this record's, as a merge request's comments.
        """
        query = select(self._table)
        if holding:
            query = query.where(self._holds(holding))
        if parent is not None:
            query = query.where(self._table.c.parent == parent)
        if before is not None:
            query = query.where(self._table.c.line < before)
        if status is not None:
            query = query.where(self._status() == status)
        if ticket is not None:
            query = query.where(self._table.c.ticket == ticket)
        with self._store.reading() as connection:
            rows = connection.execute(query.order_by(self._table.c.line.desc()).limit(limit)).all()
        return [(int(row.line), self._record(row)) for row in rows]

    def newest_line(self, id: str) -> int | None:
        """The number of the line that last wrote this record; None: there is no such record."""
        with self._store.reading() as connection:
            query = select(self._table.c.version).where(self._table.c.id == id)
            version = connection.execute(query).scalar_one_or_none()
            if version is None:
                return None
            key = put_key(self._kind.table, id, int(version))
            line = select(EVENTS.c.sequence).where(EVENTS.c.key == key)
            return int(connection.execute(line).scalar_one())

    def count(self, ticket: str | None = None, *, status: str | None = None) -> int:
        """How many records there are, of a ticket and of a status if given."""
        query = select(func.count()).select_from(self._table)
        if ticket is not None:
            query = query.where(self._table.c.ticket == ticket)
        if status is not None:
            query = query.where(self._status() == status)
        with self._store.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def tally(
        self, by: Literal["status", "ticket"], of: Sequence[str] = (), *, but: Sequence[str] = ()
    ) -> dict[str, int]:
        """How many records there are of each status, or of each ticket.

        Args:
            of: these statuses or tickets alone; default: all.
            but: those with these statuses are not counted.
        """
        column = self._status() if by == "status" else self._table.c.ticket
        query = select(column, func.count()).group_by(column)
        if of:
            query = query.where(column.in_(of))
        if but:
            query = query.where(self._status().not_in(but))
        with self._store.reading() as connection:
            return {str(value): int(count) for value, count in connection.execute(query)}

    def _holds(self, text: str) -> Any:
        spelt = to_json(text).decode()[1:-1]  # as it stands in a document
        for special in ("\\", "%", "_"):
            spelt = spelt.replace(special, f"\\{special}")
        column = self._table.c.document
        # SQLite's LIKE takes capitals and small letters as the same; ILIKE there copies each text.
        like = column.like if self._store.is_sqlite else column.ilike
        return like(f"%{spelt}%", escape="\\")

    def _status(self) -> Any:
        if not self._kind.has_status:
            raise LedgerError(f"The records in {self._kind.table} have no status.")
        return self._table.c.status

    def _same(self, stored: str, offered: str) -> bool:
        if stored == offered:
            return True
        old, new = plain(stored), plain(offered)
        for name in self._kind.once_but_for or ():
            old.pop(name, None)
            new.pop(name, None)
        return canonical_json(old) == canonical_json(new)

    def _already(self, stored: T) -> Conflict:
        by = f" by {stored.by}" if hasattr(stored, "by") else ""
        return Conflict(
            f"{self._kind.id(stored)} is already decided{by}"
            f" ({getattr(stored, 'kind', 'otherwise')}); it can't be decided again.",
            "Comment on the merge request, or assign a new ticket, to change course.",
        )

    def _values(
        self, transaction: "Transaction", record: T, id: str, document: str
    ) -> dict[str, Any]:
        values: dict[str, Any] = {"document": document, "updated_at": transaction.now}
        ticket = "" if self._kind.ticket is None else self._kind.ticket(record)
        if self._kind.has_status:
            values["status"] = record.status  # type: ignore[attr-defined]
        if self._kind.parent is not None:
            parent = self._kind.parent(record)
            table = RECORDS[self._kind.parent_table].c
            row: Row[Any] | None = transaction.connection.execute(
                select(table.ticket).where(table.id == parent)
            ).one_or_none()
            if row is None:
                raise NotFound(
                    f"There is no {parent!r} in {self._kind.parent_table}: {id} needs it."
                )
            values["parent"] = parent
            ticket = ticket or str(row.ticket)
        return values | {"ticket": ticket}

    def _record(self, row: Row[Any]) -> T:
        try:
            return self._kind.model.model_validate_json(row.document)
        except ValidationError as error:
            raise LedgerError(
                f"{row.id!r} in {self._kind.table} can't be read: {error.errors()[0]['msg']}.",
                "It was changed by hand or written by another labcrew: see labcrew doctor.",
            ) from None
