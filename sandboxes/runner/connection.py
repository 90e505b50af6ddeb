"""One runner's two-way stream, shared by the threads that call it.

No thread of its own: of the callers that wait, one reads for all and wakes the others, so that a
lone call costs no hand-over. Everything that comes in is untrusted: a frame that the runner had no
right to send ends the connection, and every call under way with it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import NoReturn, TypeVar

from labcrew.errors import RunnerLost
from sandboxes.runner.calls import Call
from sandboxes.runner.conversation import Conversation
from sandboxes.runner.inside import frames
from sandboxes.runner.stream import Attached, Gone

C = TypeVar("C", bound=Call)
_GRACE_S = 3.5  # between a call's deadline and the container's end, if the runner doesn't answer
_PIECE_BYTES = 1 << 15
_FROM_RUNNER = frozenset({frames.STDOUT, frames.STDERR, frames.TAKEN, frames.EXITED})


class Connection:
    """Frames to and from one runner, from its READY on.

    Args:
        name: the container, for messages.
        stream: attached before the container started.
    """

    def __init__(self, name: str, stream: Attached) -> None:
        self._name, self._stream = name, stream
        self._calls: dict[int, Call] = {}
        self._state = threading.Lock()
        self._reading, self._sending = threading.Lock(), threading.Lock()
        self._input = bytearray()
        self._number, self._sent, self._seen = 0, 0, 0
        self._nonce = b""
        self.why = ""  # it is lost, once there is a reason
        self.tainted = False  # still good for the calls under way, not for another

    def greet(self, timeout_s: float) -> None:
        """Waits for the runner's READY. Raises RunnerLost."""
        self._nonce = secrets.token_bytes(frames.NONCE_BYTES)
        deadline = time.monotonic() + timeout_s
        self._send(frames.HELLO, 0, self._nonce, deadline)
        with self._reading:
            while self._nonce:
                if time.monotonic() >= deadline:
                    self._lose(f"it did not start within {timeout_s:g} s")
                self._pump(deadline)

    @property
    def fresh(self) -> bool:
        """Whether another call may be sent: it is well, and said nothing that nobody asked for."""
        with self._state:
            if self.why or (self.tainted and not self._calls):
                return False
            if self._calls or not self._reading.acquire(blocking=False):
                return True
        try:
            return not self._input and not self._stream.readable(0)
        finally:
            self._reading.release()

    def call(self, command: tuple[str, ...], stdin: bytes, timeout_s: float, cap: int) -> Call:
        """Runs a command to its end, or to its deadline and a few seconds.

        Args:
            command: the words, of at most 64 KiB together.
            stdin: what it may read.
            timeout_s: seconds until it is killed.
            cap: bytes that are kept of each output stream.

        Raises RunnerLost: how the call ended isn't known. The answer has not `ended` where the
        runner doesn't end a call past its deadline; in both cases the runner is of no more use.
        """
        return self._run(command, lambda number: Call(number, cap, stdin, timeout_s))

    def converse(
        self,
        command: tuple[str, ...],
        stdin: bytes,
        timeout_s: float,
        cap: int,
        *,
        overall_s: float,
        answer: Callable[[str], str | None],
    ) -> Conversation:
        """Runs a command that may ask, line by line; see Conversation. Raises as `call` does."""
        return self._run(
            command,
            lambda number: Conversation(number, cap, stdin, timeout_s, overall_s, answer),
        )

    def _run(self, command: tuple[str, ...], make: Callable[[int], C]) -> C:
        with self._state:
            if self.why:
                raise RunnerLost(f"The runner of {self._name} was lost before a call: {self.why}")
            self._number = self._number % frames.WRAP + 1
            call = make(self._number)
            self._calls[self._number] = call
        try:
            self._send(frames.CALL, call.number, call.head(command), call.deadline)
            while not call.ended:
                if call.sendable:
                    self._send_input(call)
                elif time.monotonic() >= call.deadline:
                    if call.killed:
                        self._lose("it does not answer")
                    call.killed, call.deadline = True, time.monotonic() + _GRACE_S
                    self._send(frames.KILL, call.number, b"", call.deadline)
                elif call.asks:
                    self._wake_one(but=call)  # others' frames may come in meanwhile
                    call.reply()
                else:
                    self._wait(call)
        except RunnerLost:
            if not (call.ended or call.killed):  # answered before the stream broke, or overdue
                raise
        finally:
            with self._state:
                del self._calls[call.number]
                self.tainted = self.tainted or call.broken
            self._wake_one()
        if call.unknown:
            raise RunnerLost(
                f"The part of {self._name}'s runner that watched a call was killed",
                "What the call did may or may not have happened.",
                by_call=True,
            )
        return call

    def close(self, why: str = "it was let go") -> None:
        """Ends the runner: it dies with its input."""
        with self._state:
            self.why = self.why or why
            waiting = list(self._calls.values())
        self._stream.shut()
        for call in waiting:
            call.wake()

    def release(self) -> None:
        """Frees a closed connection's socket, once nobody waits for it any more."""
        with self._reading, self._sending:
            self._stream.close()

    def _lose(self, why: str) -> NoReturn:
        self.close(why)
        raise RunnerLost(
            f"The runner of {self._name} was lost: {self.why}",
            "What it was doing may or may not have happened; the next call gets a fresh one.",
        )

    def _wait(self, call: Call) -> None:
        """Until something happened to the call, perhaps; reads for all if nobody else does."""
        if self.why:
            self._lose(self.why)
        if self._reading.acquire(blocking=False):
            try:
                while not (call.ended or call.sendable or call.asks):
                    if time.monotonic() >= call.deadline:
                        break
                    self._pump(call.deadline)
            finally:
                self._reading.release()
        else:
            call.wait(min(1.0, call.deadline - time.monotonic()))

    def _wake_one(self, but: Call | None = None) -> None:
        """Lets another caller read on: the one that read has what it came for."""
        with self._state:
            for call in self._calls.values():
                if not call.ended and call is not but:
                    call.wake()
                    return

    # Out

    def _send_input(self, call: Call) -> None:
        while call.sendable and not call.ended:
            piece = call.piece(_PIECE_BYTES)
            kind = frames.INPUT if piece else frames.END
            self._send(kind, call.number, piece, call.deadline)

    def _send(self, kind: int, number: int, payload: bytes, deadline: float) -> None:
        """Writes one frame whole. One that was begun is ended or the connection is lost."""
        patience = deadline + _GRACE_S
        while not self._sending.acquire(timeout=max(0.0, min(1.0, patience - time.monotonic()))):
            if time.monotonic() >= patience:
                self._lose("it takes no input")
        try:
            if self.why:
                self._lose(self.why)
            head = frames.HEADER.pack(kind, number, self._sent, len(payload))
            self._sent = self._sent + 1 & frames.WRAP
            data = memoryview(head + payload)
            while data:
                data = data[self._stream.send(data) :]
                if data:
                    self._make_room(patience)
        except Gone as error:
            self._lose(str(error))
        finally:
            self._sending.release()

    def _make_room(self, patience: float) -> None:
        """Waits until more can be sent. The runner may be waiting for its output to be read."""
        if time.monotonic() >= patience:
            self._lose("it takes no input")
        if self._reading.acquire(blocking=False):
            try:
                if self._stream.readable(0.05, or_writable=True):
                    self._pump(time.monotonic())
            finally:
                self._reading.release()
        else:
            self._stream.writable(0.05)

    # In

    def _pump(self, deadline: float) -> None:
        """Takes in what has come, or waits for it until the deadline. The caller holds _reading."""
        left = deadline - time.monotonic()
        try:
            if self._stream.readable(max(0.0, min(1.0, left))):
                self._input += self._stream.receive()
        except Gone as error:
            self._lose(str(error))
        if self.why:
            self._lose(self.why)
        head = frames.HEADER.size
        position = 0
        while len(self._input) - position >= head:
            kind, number, sequence, length = frames.HEADER.unpack_from(self._input, position)
            if length > frames.FRAME_BYTES:
                self._lose(f"it announced a frame of {length} bytes")
            if sequence != self._seen:
                self._lose(f"its frame {sequence} came where {self._seen} was due")
            if len(self._input) - position < head + length:
                break
            begin = position + head
            position = begin + length
            self._seen = self._seen + 1 & frames.WRAP
            self._take(kind, number, bytes(self._input[begin:position]))
        del self._input[:position]

    def _take(self, kind: int, number: int, payload: bytes) -> None:
        if kind == frames.READY:
            if not self._nonce or number or payload != self._nonce:
                self._lose("it greeted wrongly")
            self._nonce = b""
            return
        if self._nonce or kind not in _FROM_RUNNER:
            self._lose(f"it sent a frame of kind {kind}, which was not due")
        with self._state:
            call = self._calls.get(number)
        if call is None or call.ended:
            self._lose(f"it spoke of call {number}, which is not under way")
        if wrong := call.take(kind, payload):
            self._lose(wrong)
        if call.ended or call.sendable or call.asks:
            call.wake()
