"""A container's two-way stream: input written, output read with a cap and a deadline."""

from __future__ import annotations

import select
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labcrew.errors import OutcomeUnknown

if TYPE_CHECKING:
    from docker.api import APIClient

_READ = 1 << 16


@dataclass
class Output:
    """What was read: each stream's head, and how reading ended."""

    cap: int
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    timed_out: bool = False

    def add(self, stream: int, data: bytes) -> None:
        """Keeps as much of the data as the cap allows."""
        kept = self.stderr if stream == 2 else self.stdout
        room = self.cap - len(kept)
        kept += data[:room]
        self.truncated = self.truncated or len(data) > room


class Stream:
    """An open connection to a container's or a call's input and output.

    Args:
        client: the engine.
        path: the engine's address of it.
        params: its query.
        body: what is asked, where the engine reads one.
    """

    def __init__(
        self,
        client: APIClient,
        path: str,
        params: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
    ) -> None:
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        api: Any = client
        # No body: one that the engine has not read when it closes makes the kernel reset it all.
        sent = {} if body is None else {"json": body}
        self._response = api._post(
            api._url(path), params=params, headers=headers, stream=True, **sent
        )
        api._raise_for_status(self._response)
        buffered = self._response.raw._fp.fp
        raw: Any = api._get_raw_response_socket(self._response)
        self._socket: socket.socket = getattr(raw, "_sock", raw)
        # Output that came in one piece with the engine's answer lies in the reader's buffer.
        self._socket.setblocking(False)
        self._pending = bytes(buffered.read1(_READ) or b"") if buffered.peek(1) else b""
        self._partial = bytearray()
        self._left = 0
        self._stream = 1

    def close(self) -> None:
        """Ends the connection; what runs in the container goes on."""
        self._socket.close()
        self._response.close()

    def exchange(self, output: Output, *, stdin: bytes, deadline: float) -> None:
        """Writes the input and reads the output until it ends or `time.monotonic()` is past.

        Raises OutcomeUnknown when the connection breaks.
        """
        to_send = memoryview(stdin)
        writing = bool(stdin)
        try:
            if self._pending:
                self._decode(self._pending, output)
                self._pending = b""
            if not writing:
                self._end_input()
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    output.timed_out = True
                    return
                readable, writable, _ = select.select(
                    [self._socket], [self._socket] if writing else [], [], min(left, 1.0)
                )
                if writable:
                    try:
                        to_send = to_send[self._socket.send(to_send[:_READ]) :]
                    except BlockingIOError:
                        continue
                    except (BrokenPipeError, ConnectionResetError):
                        to_send = to_send[len(to_send) :]  # the command closed its input
                    if not to_send:
                        writing = False
                        self._end_input()
                if readable:
                    try:
                        data = self._socket.recv(_READ)
                    except BlockingIOError:
                        continue
                    if not data:
                        return
                    self._decode(data, output)
        except OSError as error:
            raise OutcomeUnknown(f"The engine was lost while a command ran: {error}") from error

    def _end_input(self) -> None:
        with suppress(OSError):  # the other side may have closed it already
            self._socket.shutdown(socket.SHUT_WR)

    def _decode(self, data: bytes, output: Output) -> None:
        """Takes the engine's frames apart: eight bytes of header, then the payload."""
        position = 0
        while position < len(data):
            if self._left == 0:
                need = 8 - len(self._partial)
                self._partial += data[position : position + need]
                position += need
                if len(self._partial) < 8:
                    return
                self._stream, self._left = struct.unpack(">BxxxL", self._partial)
                self._partial.clear()
                continue
            part = data[position : position + self._left]
            output.add(self._stream, part)
            self._left -= len(part)
            position += len(part)
