"""Which front a command speaks to: the home's, or a server's."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desk.front.port import Front
from desk.wiring import Say
from labcrew.errors import InputError


@contextmanager
def front(
    home: Path | None, server: str | None, by: str | None, say: Say = lambda text: None
) -> Iterator[Front]:
    """Opens a front; closes it at the end.

    Args:
        home: the folder; it goes before LABCREW_SERVER.
        server: the address; None: LABCREW_SERVER, and where that is not set, the home.
        by: who acts; on a server that is whoever the token belongs to.
        say: is told in plain words what takes a while.

    Raises:
        InputError: both are given, a name where the token signs, or no token.
    """
    address = server_meant(home, server)
    if address is None:
        from desk.front.here import Here
        from desk.wiring import open_home, person

        with open_home(home) as opened:
            yield Here(opened, by or person(), say)
        return
    from desk.front.server import Server
    from desk.front.there import There

    if by is not None:
        raise InputError("On a server your token signs for you.", "Leave --by out.")
    asked = Server(address, token_for(address))
    try:
        yield There(asked, say, time.sleep)
    finally:
        asked.close()


def server_meant(home: Path | None, server: str | None) -> str | None:
    """The address of the server that is meant; None: a home is. Raises InputError: both are."""
    if home is not None and server is not None:
        raise InputError("--home and --server can't both be meant.", "Leave one out.")
    if server is not None:
        return server
    return (os.environ.get("LABCREW_SERVER") or None) if home is None else None


def drafted_at_home(home: Path | None, server: str | None = None) -> None:
    """Drafts are made, kept and answered in a home. Raises InputError: a server is meant."""
    if (address := server_meant(home, server)) is not None:
        whence = "" if server is not None else " (LABCREW_SERVER)"
        raise InputError(
            f"Drafts are made and kept in a home, not on the server {address}{whence}.",
            "Name a home of this machine with --home FOLDER, and assign the file that comes of it:"
            " labcrew ticket new FILE.md --server URL",
        )


def token_for(whom: str) -> str:
    """The person's token, from LABCREW_TOKEN. Raises InputError: there is none.

    Args:
        whom: who asks for it, in words.
    """
    token = os.environ.get("LABCREW_TOKEN", "").strip()
    if not token:
        raise InputError(
            f"{whom} asks who you are.",
            "Set LABCREW_TOKEN to your token; it is never given on the command line.",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InputError("LABCREW_TOKEN does not hold a token.", "It looks like lab_….")
    return token
