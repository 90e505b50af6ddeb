"""The proxy: takes connections from one sandbox, lets through what its settings allow.

There is nothing to administer: its settings come once, from the host, and no request changes them.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from .addresses import Refused
from .forward import Forward, destination
from .handover import take
from .heads import read_head
from .index import PackageIndexes
from .journal import Journal
from .settings import Settings, read_settings
from .upstream import Upstream


class Server:
    """Serves one sandbox.

    Args:
        settings: what is allowed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._journal = Journal(settings.requests, settings.down_bytes, settings.up_bytes)
        upstream = Upstream(settings)
        self._forward = Forward(settings, upstream, self._journal)
        self._indexes = PackageIndexes(settings, upstream, self._journal)
        self._slots = threading.BoundedSemaphore(settings.connections)

    def serve(self, listener: socket.socket) -> None:
        """Takes connections until the process is ended."""
        while True:
            self._slots.acquire()  # more wait in the kernel's queue
            client, _ = listener.accept()
            threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError, EOFError):
                self._handle(client)
                _let_go(client)
        finally:
            self._slots.release()

    def _handle(self, client: socket.socket) -> None:
        method, host, port = "", "", 0
        down, up, why = 0, 0, ""
        if not self._journal.admit():
            _answer(client, 429, "the cap on requests is reached")
            return
        try:
            head = read_head(client, self._settings.head_s)
            method, host = head.method, head.target[:253]
            if head.target.startswith("/"):
                address = self._indexes.wanted(head)
                host = urlsplit(address).hostname or ""
                down, up, why = self._indexes.serve(client, head, address)
            else:
                host, port = destination(head)
                way = self._forward.tunnel if method == "CONNECT" else self._forward.plain
                down, up, why = way(client, head, host, port)
        except Refused as refused:
            why = str(refused)
            _answer(client, 403, why)
        except (OSError, http.client.HTTPException) as error:
            why = f"not reached: {type(error).__name__}, {error}"
            _answer(client, 502, f"{host} was not reached")
        self._journal.write(method, host, port, why, down, up)


def _answer(client: socket.socket, status: int, text: str) -> None:
    body = f"labcrew's proxy: {text}\n".encode()
    begin = f"HTTP/1.1 {status} {http.client.responses[status]}\r\nConnection: close\r\n"
    begin += f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    with suppress(OSError):
        client.settimeout(5)
        client.sendall(begin.encode() + body)


def _let_go(client: socket.socket) -> None:
    """Ends a connection so that the last answer is read: unread input would tear it down."""
    client.shutdown(socket.SHUT_WR)
    client.settimeout(1)
    for _ in range(16):
        if not client.recv(4096):
            break


def main() -> int:
    """Reads the settings, takes the socket, serves."""
    server = Server(read_settings(json.loads(sys.stdin.buffer.read())))
    with take() as listener:
        listener.setblocking(True)
        print(json.dumps({"ready": True}), flush=True)
        server.serve(listener)
    return 0
