"""The raw bytes of a container's attached standard streams, without waiting unasked."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker.api import APIClient

_READ = 1 << 17
_HEAD = struct.Struct(">B3xL")
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Gone(Exception):
    """The stream has ended or broken."""


class Attached:
    """A container's standard input and output, attached before it starts.

    Args:
        client: the engine.
        container: its name; created, not running.

    Raises what docker-py raises.
    """

    def __init__(self, client: APIClient, container: str) -> None:
        api: Any = client
        # No body: the engine would now and then hand it to the container as its first input.
        self._response = api._post(
            api._url("/containers/{0}/attach", container),
            params={"stream": "1", "stdin": "1", "stdout": "1"},
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
            stream=True,
        )
        api._raise_for_status(self._response)
        raw: Any = api._get_raw_response_socket(self._response)
        self._socket: socket.socket = getattr(raw, "_sock", raw)
        self._socket.setblocking(False)
        self._in, self._both, self._out = select.poll(), select.poll(), select.poll()
        self._in.register(self._socket, select.POLLIN)
        self._both.register(self._socket, select.POLLIN | select.POLLOUT)
        self._out.register(self._socket, select.POLLOUT)
        self._partial = bytearray()
        self._left = 0

    def shut(self) -> None:
        """Ends the connection, and with it the container's input; wakes whoever waits for it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Frees the socket; nobody may wait for it."""
        self._socket.close()
        self._response.close()

    def readable(self, timeout_s: float, *, or_writable: bool = False) -> bool:
        """Whether there is something to receive, or an end, within that many seconds."""
        pending = getattr(self._socket, "pending", None)
        if pending is not None and pending():
            return True
        poll = self._both if or_writable else self._in
        return any(event & ~select.POLLOUT for _, event in poll.poll(timeout_s * 1000))

    def writable(self, timeout_s: float) -> bool:
        """Whether something can be sent within that many seconds."""
        return bool(self._out.poll(timeout_s * 1000))

    def send(self, data: memoryview) -> int:
        """Sends what fits now; answers how many bytes. Raises Gone."""
        try:
            return self._socket.send(data)
        except _LATER:
            return 0
        except OSError as error:
            raise Gone(f"its input broke: {error}") from error

    def receive(self) -> bytes:
        """What the container wrote to its standard output, as far as it has come. Raises Gone."""
        try:
            data = self._socket.recv(_READ)
        except _LATER:
            return b""
        except OSError as error:
            raise Gone(f"its output broke: {error}") from error
        if not data:
            raise Gone("it has ended")
        return self._decoded(data)

    def _decoded(self, data: bytes) -> bytes:
        """Without the engine's own headers, of eight bytes each."""
        if self._left == 0 and not self._partial and len(data) >= _HEAD.size:
            stream, length = _HEAD.unpack_from(data)
            if stream == 1 and length == len(data) - _HEAD.size:
                return data[_HEAD.size :]  # one whole piece, as nearly always
        found = []
        position = 0
        while position < len(data):
            if self._left == 0:
                need = _HEAD.size - len(self._partial)
                self._partial += data[position : position + need]
                position += need
                if len(self._partial) < _HEAD.size:
                    break
                stream, self._left = _HEAD.unpack(self._partial)
                self._partial.clear()
                if stream != 1:
                    raise Gone(f"the engine spoke of a stream {stream}")
                continue
            part = data[position : position + self._left]
            found.append(part)
            self._left -= len(part)
            position += len(part)
        return b"".join(found)
