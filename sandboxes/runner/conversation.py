"""A call that asks while it runs: its standard output is read line by line, and what the host
answers goes back to its standard input."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from sandboxes.runner.calls import Call
from sandboxes.runner.inside import frames

LINE_BYTES = 1 << 18
LINES = 10_000


class Conversation(Call):
    """A call's state, and what it asked that nobody has answered yet.

    Whatever the call prints is bounded before anybody looks at it: a line is handed over cut at
    LINE_BYTES, no more than LINES of them, and the next one only when the answer before it was
    sent. An end without a line break is no line.

    Args:
        number, cap, stdin: as for any call.
        timeout_s: seconds from now, those in which the host answers not counted.
        overall_s: seconds from now, all counted.
        answer: is given a line; what it returns is sent back as one; None: it was no question.
    """

    def __init__(
        self,
        number: int,
        cap: int,
        stdin: bytes,
        timeout_s: float,
        overall_s: float,
        answer: Callable[[str], str | None],
    ) -> None:
        super().__init__(number, cap, b"", min(timeout_s, overall_s))
        self._outer = self.began + overall_s
        self._answer = answer
        self._closed = False
        self._pending = bytearray(stdin)
        self._begun = bytearray()
        self._lines: deque[bytes] = deque()
        self._left = LINES
        self.answered_s = 0.0
        self.error: Exception | None = None

    @property
    def sendable(self) -> bool:
        return bool(self._pending) and super().sendable

    @property
    def asks(self) -> bool:
        return bool(self._lines) and not (self._pending or self.killed)

    def piece(self, most: int) -> bytes:
        room = frames.WINDOW_BYTES - (self._given - self._taken)
        piece = bytes(self._pending[: min(most, room)])
        del self._pending[: len(piece)]
        self._given += len(piece)
        return piece

    def take(self, kind: int, payload: bytes) -> str:
        wrong = super().take(kind, payload)
        if kind == frames.STDOUT and not wrong:
            self._cut(payload)
        return wrong

    def reply(self) -> None:
        """Has the next line answered. If that fails the call is overdue at once, with the error."""
        line = self._lines.popleft().decode("utf-8", "replace")
        began = time.monotonic()
        try:
            said = self._answer(line)
        except Exception as error:  # of whatever kind: the caller is told once the call is ended
            self.error, self.deadline = error, began
            return
        spent = time.monotonic() - began
        self.answered_s += spent
        self.deadline = min(self.deadline + spent, self._outer)
        if said is not None:
            self._pending += said.encode("utf-8", "replace") + b"\n"

    def _cut(self, payload: bytes) -> None:
        first, *others = payload.split(b"\n")
        self._begin(first)
        for piece in others:
            if self._begun.strip() and self._left:
                self._left -= 1
                self._lines.append(bytes(self._begun))
            self._begun.clear()
            self._begin(piece)

    def _begin(self, piece: bytes) -> None:
        self._begun += piece[: LINE_BYTES - len(self._begun)]
