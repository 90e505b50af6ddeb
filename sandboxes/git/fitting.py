"""How much the files of one commit may hold: they are handed on in memory."""

from __future__ import annotations

from labcrew.errors import RepositoryError

MOST_BYTES = 2 << 30


def check_size(what: str, size: int) -> None:
    """Refuses files that hold too much together.

    Args:
        what: whose files they are, as the message says it.
        size: of all of them, in bytes.

    Raises RepositoryError.
    """
    if size > MOST_BYTES:
        raise RepositoryError(
            f"The files of {what} hold {size >> 20} MiB; {MOST_BYTES >> 20} MiB may be copied",
            "Keep large data outside the repository and name it in the ticket's `data`.",
        )
