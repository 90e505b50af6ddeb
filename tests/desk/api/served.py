"""A board in a process of its own, that may be killed at a named point: `python served.py …`."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from desk.api.once import Once
from desk.web.app import create_app
from desk.wiring import open_home
from sandboxes.git.repositories import GitRepositories
from tests.desk.web.clients import lab_at


def dies(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    def both(*args: Any, **kwargs: Any) -> Any:
        function(*args, **kwargs)
        dies()

    return both


def break_at(point: str) -> None:
    """Makes the process die there."""
    if point == "taken in":  # a ticket's commit is in the home, nothing is in the ledger
        GitRepositories.files = dies  # type: ignore[method-assign]
    elif point == "before the commit":  # everything is written, nothing is committed
        Once._keep = after(Once._keep)  # type: ignore[method-assign]
    elif point == "after the commit":  # it is done, and nobody was told
        Once.settled = after(Once.settled)  # type: ignore[method-assign]


def main(home: str, point: str) -> None:
    break_at(point)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    with open_home(Path(home)) as opened:
        app = create_app(lab_at(opened))
        print(listening.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
