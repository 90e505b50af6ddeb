"""Serves an application on this machine alone, and ends with streams open."""

import asyncio
import gc
import logging
import socket
from typing import TYPE_CHECKING

import uvicorn

from desk.web.lab import Lab
from labcrew.errors import InputError, LabcrewError

if TYPE_CHECKING:
    from fastapi import FastAPI

ADDRESS = "127.0.0.1"
_BACKLOG = 2048
_END_S = 5
_SETTLE_S = 2.0
_LOG = logging.getLogger(__name__)


def listen(port: int) -> socket.socket:
    """A socket that is reached from this machine alone.

    Args:
        port: 0: any that is free.

    Raises:
        InputError: the port is taken, or not for this user.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # asyncio sets it only where a socket names its protocol; without it an answer of two small
    # writes waits some 40 ms for the other side's acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise InputError(
            f"Port {port} of this machine can't be used: {error.strerror}.",
            "Is a board running already? Name another port with --port, or 0 for any.",
        ) from None
    return listening


def address_of(listening: socket.socket) -> str:
    """What a browser is pointed to."""
    return f"http://{ADDRESS}:{listening.getsockname()[1]}"


def make_ready(app: "FastAPI") -> None:
    """Makes routes ready, and leaves what is there now out of the collection of garbage.

    Going through it all would hold up a request for a tenth of a second now and then. For a
    process that ends with its server.
    """
    app.openapi()
    gc.collect()
    gc.freeze()


class Server(uvicorn.Server):
    """Ends the feed first, so that open streams do not keep it up.

    Args:
        app: what is served.
        lab: what it is about.
    """

    def __init__(self, app: "FastAPI", lab: Lab) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                date_header=True,
                timeout_graceful_shutdown=_END_S,
            )
        )
        self._lab = lab

    async def run_on(self, listening: socket.socket) -> None:
        """Serves until it is told to end; meanwhile what expires is decided."""
        settling = asyncio.create_task(self._settle())
        try:
            await self.serve([listening])
        finally:
            settling.cancel()

    async def _settle(self) -> None:
        # Here and not where gates are looked at: looking changes nothing.
        while True:
            try:
                await asyncio.to_thread(self._lab.office.settle)
            except LabcrewError as error:
                _LOG.warning("Expired gates can't be decided now: %s", error.message)
            await asyncio.sleep(_SETTLE_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._lab.feed.close()
        await asyncio.sleep(0)
        await super().shutdown(sockets)
