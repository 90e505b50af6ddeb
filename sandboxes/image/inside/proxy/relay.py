"""Bytes both ways between two connections, counted and capped."""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress

from .journal import Journal

_PART, _WAITING = 1 << 16, 1 << 18


def relay(
    client: socket.socket,
    server: socket.socket,
    first: bytes,
    journal: Journal,
    idle_s: float,
    *,
    answer_only: bool = False,
) -> tuple[int, int, str]:
    """Passes bytes on until both have ended, nothing comes any more, or a cap is reached.

    Args:
        client: the sandbox's connection.
        server: the host's.
        first: what the sandbox has sent already.
        journal: keeps the caps.
        idle_s: seconds without a byte after which it ends.
        answer_only: nothing more is taken from the sandbox.

    Returns:
        Bytes in, bytes out, and why it was ended early, if so.
    """
    other = {client: server, server: client}
    waiting = {client: bytearray(), server: bytearray(first)}
    reading = {server} if answer_only else {client, server}
    down, up = 0, len(first)
    if not journal.spend(0, up):
        return 0, 0, "the cap on bytes is reached"
    for one in other:
        one.setblocking(False)
    while True:
        readers = [one for one in reading if len(waiting[other[one]]) < _WAITING]
        writers = [one for one in waiting if waiting[one]]
        if not readers and not writers:
            return down, up, ""
        ready = [one for one in readers if isinstance(one, ssl.SSLSocket) and one.pending()]
        more, writable, _ = select.select(readers, writers, [], 0 if ready else idle_s)
        if not more and not writable and not ready:
            return down, up, "nothing came for too long"
        try:
            for one in {*more, *ready}:
                part = _received(one)
                if part is None:
                    continue
                if not part:
                    reading.discard(one)
                    continue
                waiting[other[one]] += part
                down, up = (down, up + len(part)) if one is client else (down + len(part), up)
                spent = (0, len(part)) if one is client else (len(part), 0)
                if not journal.spend(*spent):
                    return down, up, "the cap on bytes is reached"
            for one in writable:
                _send(one, waiting[one])
        except OSError:
            return down, up, ""  # one of them broke off: the other is told by the end
        for one in other:
            asking = answer_only and one is server  # it may take an end for a request broken off
            if other[one] not in reading and not waiting[one] and not asking:
                _half_close(one)
        if server not in reading and not waiting[client]:
            return down, up, ""


def _received(one: socket.socket) -> bytes | None:
    try:
        return one.recv(_PART)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None


def _send(one: socket.socket, data: bytearray) -> None:
    with suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        del data[: one.send(data[:_PART])]


def _half_close(one: socket.socket) -> None:
    if not isinstance(one, ssl.SSLSocket):
        with suppress(OSError):
            one.shutdown(socket.SHUT_WR)
