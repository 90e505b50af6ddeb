"""Who acts, and one after the other."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from labcrew.errors import InputError
from labcrew.home import Home


def actor(by: str) -> str:
    """A person as the ledger names them. Raises InputError for a name it can't keep."""
    if not 0 < len(by) <= 80 or not by.isprintable():
        raise InputError("A name has 1 to 80 printable characters.", "Give one with --by.")
    if by == "expired":
        raise InputError("'expired' is what the clock signs with.", "Give your name with --by.")
    return f"person:{by}"


@contextmanager
def one_at_a_time(home: Home, name: str = "assign.lock") -> Iterator[None]:
    """Two people who ask for something at once get two numbers.

    Args:
        home: whose lock is taken.
        name: the lock's file; two of different names don't wait for each other.
    """
    with (home.root / name).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
