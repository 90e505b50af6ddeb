"""One call under way, as the host sees it: what it was sent, what came back, and what may come."""

from __future__ import annotations

import os
import threading
import time

from labcrew.errors import InputError
from sandboxes.runner.inside import frames

_COMMAND_BYTES = 1 << 16


class Call:
    """A call's state; changed by the thread that reads, or by the one that called.

    Args:
        number: its number on the connection.
        cap: bytes that are kept of each output stream.
        stdin: its input.
        timeout_s: seconds from now.
    """

    def __init__(self, number: int, cap: int, stdin: bytes, timeout_s: float) -> None:
        self.number, self._cap = number, cap
        self.began = time.monotonic()
        self.deadline = self.began + timeout_s
        self.output = {frames.STDOUT: bytearray(), frames.STDERR: bytearray()}
        self.exit_code = 0
        self.ended = self.killed = False
        self.timed_out = self.truncated = self.broken = self.unknown = False
        self._stdin, self._given, self._taken = memoryview(stdin), 0, 0
        self._closed = not stdin
        self._signal = threading.Lock()
        self._signal.acquire()

    def head(self, command: tuple[str, ...]) -> bytes:
        """The payload of its CALL frame. Raises InputError where no process could get it."""
        words = [os.fsencode(word) for word in command]
        line = b"\0".join(words)
        if not command or not words[0] or len(line) > _COMMAND_BYTES:
            raise InputError(
                f"A command of {len(line)} bytes can't be run; at most {_COMMAND_BYTES}"
            )
        if line.count(b"\0") != len(words) - 1:
            raise InputError("A command's words can't hold a NUL")
        return frames.CALL_HEAD.pack(self._cap, not self._closed) + line

    @property
    def sendable(self) -> bool:
        """Whether a piece of input, or its end, may be sent now."""
        if self._closed or self.killed:
            return False
        return self._given - self._taken < frames.WINDOW_BYTES

    @property
    def asks(self) -> bool:
        """Whether it waits for the host to say something; see conversation.py."""
        return False

    def reply(self) -> None:
        """Answers what it asks."""

    def piece(self, most: int) -> bytes:
        """The next piece of input; empty at its end, once."""
        room = frames.WINDOW_BYTES - (self._given - self._taken)
        piece = bytes(self._stdin[self._given : self._given + min(most, room)])
        self._given += len(piece)
        self._closed = not piece
        return piece

    def take(self, kind: int, payload: bytes) -> str:
        """Takes in a frame; answers what is wrong with it, "" if nothing."""
        if kind == frames.TAKEN:
            if len(payload) != frames.COUNT.size:
                return "it sent a count of the wrong size"
            (count,) = frames.COUNT.unpack(payload)
            if not 0 < count <= self._given - self._taken:
                return "it took more input than there was"
            self._taken += count
        elif kind == frames.EXITED:
            if len(payload) != frames.EXIT.size:
                return "it sent an exit of the wrong size"
            code, marks = frames.EXIT.unpack(payload)
            return self._end(code, marks)
        else:
            kept = self.output[kind]
            if not payload or len(kept) + len(payload) > self._cap:
                return "it sent more output than it may"
            kept += payload
        return ""

    def _end(self, code: int, marks: int) -> str:
        if not 0 <= code <= 255 or marks & ~frames.MARKS:
            return f"it told of exit code {code}, marks {marks}"
        if marks & frames.KILLED and not self.killed:
            return "it killed a call that had time left"
        if marks & frames.TRUNCATED and all(len(o) < self._cap for o in self.output.values()):
            return "it dropped output that there was room for"
        self.exit_code = code
        self.timed_out = bool(marks & frames.KILLED)
        self.truncated = bool(marks & frames.TRUNCATED)
        self.broken = bool(marks & (frames.BROKEN | frames.UNSWEPT))
        self.unknown = bool(marks & frames.BROKEN)
        self.ended = True
        return ""

    def wake(self) -> None:
        """Ends the call's present or next wait."""
        try:
            self._signal.release()
        except RuntimeError:
            return  # it was woken already

    def wait(self, timeout_s: float) -> None:
        """Waits for `wake`, that long."""
        self._signal.acquire(timeout=max(0.0, timeout_s))
