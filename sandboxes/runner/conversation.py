"""A call that asks while it runs: its standard output is read line by line, and what the host
answers goes back to its standard input."""

from __future__ import annotations

import time
from collections.abc import Callable

from labcrew.errors import OutputExceeded
from sandboxes.runner.calls import Call
from sandboxes.runner.inside import frames

LINE_BYTES = 1 << 18
QUESTIONS = 10_000


class Conversation(Call):
    """A call's state, and how much of what it printed was looked at.

    Whatever the call prints is bounded before anybody looks at it: lines stay in its output until
    their turn, each is handed over cut at LINE_BYTES, and the next one only when the answer before
    it was sent. An end without a line break is no line. A call that fills its standard output, or
    asks more than QUESTIONS, is ended with OutputExceeded: it might wait for an answer to what
    nobody hears.

    Args:
        number, stdin: as for any call.
        cap: as for any call; standard output stays below it.
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
        # The one is counted by the thread that reads, the other by the one that called.
        self._breaks, self._lines = 0, 0
        self._at = 0
        self._questions = 0
        self.answered_s = 0.0
        self.error: Exception | None = None

    @property
    def sendable(self) -> bool:
        return bool(self._pending) and super().sendable

    @property
    def asks(self) -> bool:
        if self.killed:
            return False
        return self.error is not None or (self._lines < self._breaks and not self._pending)

    def piece(self, most: int) -> bytes:
        room = frames.WINDOW_BYTES - (self._given - self._taken)
        piece = bytes(self._pending[: min(most, room)])
        del self._pending[: len(piece)]
        self._given += len(piece)
        return piece

    def take(self, kind: int, payload: bytes) -> str:
        wrong = super().take(kind, payload)
        if kind == frames.STDOUT and not wrong:
            # The error first: of what lies beyond the cap no line is there to be heard.
            if len(self.output[kind]) == self._cap:
                self.error = self.error or OutputExceeded(
                    f"It printed {self._cap >> 20} MiB on its standard output, the most that is"
                    " listened to",
                    "Print less there; standard error is for what is no question.",
                )
            self._breaks += payload.count(b"\n")
        return wrong

    def reply(self) -> None:
        """Has the next line answered. If that fails the call is overdue at once, with the error."""
        began = time.monotonic()
        if self.error is None:
            try:
                self._hear(self._next())
            except Exception as error:  # of whatever kind: told once the call is ended
                self.error = self.error or error
        if self.error is not None:
            self.deadline = began
            return
        spent = time.monotonic() - began
        self.answered_s += spent
        self.deadline = min(self.deadline + spent, self._outer)

    def _next(self) -> bytes:
        said = self.output[frames.STDOUT]
        begin, end = self._at, said.index(b"\n", self._at)
        self._at = end + 1
        self._lines += 1
        return bytes(said[begin : min(end, begin + LINE_BYTES)])

    def _hear(self, line: bytes) -> None:
        said = self._answer(line.decode("utf-8", "replace")) if line.strip() else None
        if said is None:
            return
        self._questions += 1
        if self._questions > QUESTIONS:
            raise OutputExceeded(
                f"It asked more than {QUESTIONS:,} times",
                "Look at the answers: they say what is wrong with a question.",
            )
        self._pending += said.encode("utf-8", "replace") + b"\n"
