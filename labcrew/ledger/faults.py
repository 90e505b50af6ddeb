"""What a database says when it fails, in labcrew's own errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from labcrew.errors import LabcrewError, LedgerError, StorageFull

DAMAGE = ("malformed", "not a database", "disk i/o error", "corrupt", "no such table")


def as_labcrew_error(error: Exception, name: str) -> LabcrewError:
    """The error a person can act on; `name` is the ledger's address without its password."""
    plain = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    text = plain.lower()
    if "is full" in text or "no space left" in text:
        return StorageFull(
            f"The ledger {name} can't grow: {plain}.",
            "Free disk space (labcrew clean), then resume the ticket; nothing was half-written.",
        )
    if "is locked" in text or "lock timeout" in text or "lock wait" in text:
        return LedgerError(
            f"The ledger {name} is locked: another process has kept it for too long.",
            "Find who has it open, stop that, and try again; nothing was written.",
        )
    if any(sign in text for sign in DAMAGE):
        return LedgerError(
            f"The ledger {name} is damaged: {plain}.",
            "Restore the database and its head file together from one backup.",
        )
    if "readonly" in text or "read-only" in text:
        return LedgerError(
            f"The ledger {name} can't be written: {plain}.",
            "Check who owns the file and its folder.",
        )
    if "unable to open" in text:
        return LedgerError(
            f"The ledger {name} can't be opened: {plain}.",
            "Check that its folder exists and is yours, or make a home with labcrew init.",
        )
    return LedgerError(f"The ledger {name} refused: {plain}")


@contextmanager
def translated(name: str, *, alone: bool = False) -> Iterator[None]:
    """Turns what a database raises inside the block into labcrew's errors.

    Args:
        name: the ledger's address without its password.
        alone: no one else's code runs in the block, so that undecodable text is the database's.

    Raises:
        StorageFull: the disk, or a cap on the database, is full.
        LedgerError: anything else that the database refused.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise as_labcrew_error(error, name) from error
    except UnicodeDecodeError:
        if not alone:
            raise
        raise LedgerError(
            f"The ledger {name} is damaged: it holds text that can't be read.",
            "Restore the database and its head file together from one backup.",
        ) from None
