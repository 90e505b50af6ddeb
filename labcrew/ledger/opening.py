"""What happens when a ledger is opened: refuse what is damaged, migrate what is old, anchor."""

from typing import Literal

from sqlalchemy import Engine, select

from labcrew.errors import LedgerError
from labcrew.ledger import sqlite
from labcrew.ledger.anchor import Head
from labcrew.ledger.faults import translated
from labcrew.ledger.migrate import revision_of, upgrade
from labcrew.ledger.schema import HEAD, REVISION
from labcrew.ledger.store import Store
from labcrew.ledger.verify import verify

Check = Literal["auto", "full", "none"]

FULL_UP_TO_BYTES = 8 * 2**20
NEWEST = 1000


def prepare(store: Store, check: Check) -> None:
    """Makes a store ready for use.

    Args:
        store: freshly made.
        check: full: everything, the time grows with the ledger; auto: everything up to 8 MiB,
            beyond that the newest thousand lines and the end; none: for looking at a damaged one.

    Raises:
        LedgerError: damaged, cut off, changed by hand, or newer than this labcrew.
    """
    anchored = store.anchor.read() if check != "none" else None
    _refuse_lost(store, anchored)
    with translated(store.name, alone=True):
        if store.is_sqlite:
            sqlite.write_ahead(store.engine, store.wait_s)
        with store.engine.connect() as connection:
            found = revision_of(connection)
        if not found and anchored is not None and anchored.sequence > 0:
            raise _lost(store, anchored)
        if found != REVISION:
            with store.writer.begin() as connection:
                upgrade(connection)
        with store.engine.connect() as connection:
            head = connection.execute(select(HEAD)).one_or_none()
    if head is None and check != "none":
        raise LedgerError(
            f"The ledger {store.name} has lost its head.",
            "Restore the database and its head file together from one backup.",
        )
    if head is not None and head.sequence == 0:
        store.anchor.write(Head())
    if check == "none":
        return
    problems = verify(store, newest=None if check == "full" or _is_small(store.engine) else NEWEST)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise LedgerError(
            f"The ledger {store.name} is not what was written. {problems[0]}{more}",
            "Restore the database and its head file together from one backup.",
        )


def _refuse_lost(store: Store, anchored: Head | None) -> None:
    # Before SQLite makes an empty file where the lost one was.
    file = sqlite.file_of(store.engine) if store.is_sqlite else None
    if file is None or anchored is None or anchored.sequence == 0:
        return
    if not file.exists() or file.stat().st_size == 0:
        raise _lost(store, anchored)


def _lost(store: Store, anchored: Head) -> LedgerError:
    return LedgerError(
        f"The ledger {store.name} is empty, but line {anchored.sequence} was anchored"
        f" in {store.anchor.path}.",
        "Restore the database and its head file together from one backup.",
    )


def _is_small(engine: Engine) -> bool:
    file = sqlite.file_of(engine) if engine.dialect.name == "sqlite" else None
    return file is not None and file.stat().st_size <= FULL_UP_TO_BYTES
