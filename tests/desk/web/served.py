"""The board served for real: uvicorn in a thread of its own, on a port that the system gives."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from desk.web.app import create_app
from desk.web.lab import Lab
from desk.web.serving import Server, address_of, listen


@contextmanager
def served(lab: Lab, *, buffer: int | None = None) -> Iterator[str]:
    """The address, while the block lasts; `buffer` is what the kernel holds of an answer."""
    with listen(0) as listening:
        if buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        server = Server(create_app(lab), lab)
        thread = threading.Thread(target=lambda: asyncio.run(server.run_on(listening)))
        thread.start()
        try:
            yield address_of(listening)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
