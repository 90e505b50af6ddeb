"""A full disk, and a full quota, as labcrew's own error."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from labcrew.errors import StorageFull


@contextmanager
def translated(message: str, remedy: str = "Free some and resume.") -> Iterator[None]:
    """Turns what the system says inside the block when a disk is full into StorageFull.

    Args:
        message: what there is no space for, and where.
        remedy: what to do about it.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(message, remedy) from error
        raise
