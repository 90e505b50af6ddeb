"""The resident runner's process 1: takes calls on its standard input, hands each to a warden, and
answers on its standard output.

Tool code runs as the same user. Against it: this process and its wardens are not dumpable, so that
nobody may trace them or open what they hold; they block every signal; as process 1 it can't be
killed from inside; it dies with its standard input.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from sandboxes.runner.inside.frames import (
    BROKEN,
    CALL,
    CALL_HEAD,
    COUNT,
    END,
    EXIT,
    EXITED,
    FRAME_BYTES,
    HEADER,
    HELLO,
    KILL,
    KILLED,
    READY,
    STDERR,
    STDOUT,
    TAKEN,
    TRUNCATED,
    UNSWEPT,
    WRAP,
)
from sandboxes.runner.inside.warden import PR_SET_DUMPABLE, guard, prctl, sweep, tell

_PIPE_BYTES = 1 << 16
_STUCK_S = 2.5  # after which a warden that was told to end its call is ended itself
_IDLE_S = 5.0
_WARDENS, _SPARE = 32, 2
_SIGNALS = frozenset(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}


def main() -> None:
    """Serves until the host lets go of the standard input; never returns."""
    prctl(PR_SET_DUMPABLE, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, _SIGNALS)
    os.set_blocking(0, False)
    Runner().serve()


class Call:
    """One call: its pipes, its input that nobody has taken yet, and the warden that runs it."""

    def __init__(self, number: int, payload: bytes) -> None:
        kept, self.has_input = CALL_HEAD.unpack_from(payload)
        self.number, self.command = number, payload[CALL_HEAD.size :]
        self.room: dict[int, int] = {STDOUT: kept, STDERR: kept}
        self.pipes: dict[int, int] = {}
        self.stdin: int | None = None
        self.input, self.ended = bytearray(), False
        self.warden: Warden | None = None
        self.overdue = 0.0
        self.marks = 0


class Warden:
    """A child that runs calls, and the channel to it."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid, self.channel = pid, channel
        self.call: Call | None = None


class Runner:
    """The event loop."""

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.told: dict[int, tuple[Callable[[Any], object], Any]] = {}
        self.read, self.seen, self.sent = bytearray(), 0, 0
        self.out: list[bytes] = []
        self.calls: dict[int, Call] = {}
        self.waiting: list[Call] = []
        self.overdue: set[Call] = set()
        self.wardens: dict[int, Warden] = {}
        self.idle: list[Warden] = []
        self.watch(0, self.read_frames, None)
        self.hire()

    def serve(self) -> None:
        while True:
            pressing = self.waiting or self.overdue
            events = self.poll.poll(0.1 if pressing else _IDLE_S)
            for descriptor, _ in events:
                if descriptor in self.told:  # else it was closed by an event before this one
                    act, what = self.told[descriptor]
                    act(what)
            if self.overdue:
                self.end_stuck()
            if self.waiting:
                self.start_waiting()
            self.flush()
            if not events and not pressing:
                self.dismiss()

    # Frames in and out

    def read_frames(self, _: None) -> None:
        data = os.read(0, FRAME_BYTES)
        if not data:
            os._exit(0)  # the host let go: everything in the container ends with this process
        self.read += data
        while len(self.read) >= HEADER.size:
            kind, number, sequence, length = HEADER.unpack_from(self.read)
            if sequence != self.seen or length > FRAME_BYTES:
                os._exit(71)  # not the host's: the stream can't be trusted any more
            end = HEADER.size + length
            if len(self.read) < end:
                return
            payload = bytes(self.read[HEADER.size : end])
            del self.read[:end]
            self.seen = self.seen + 1 & WRAP
            self.take(kind, number, payload)

    def take(self, kind: int, number: int, payload: bytes) -> None:
        if kind == HELLO:
            self.send(READY, 0, payload)
        elif kind == CALL:
            self.calls[number] = call = Call(number, payload)
            self.waiting.append(call)
            self.start_waiting()
        elif (found := self.calls.get(number)) is None:
            return  # it has ended meanwhile
        elif kind == KILL:
            self.kill(found)
        else:
            found.input += payload
            found.ended = found.ended or kind == END
            if found.warden:
                self.feed(found)

    def send(self, kind: int, number: int, payload: bytes) -> None:
        self.out += (HEADER.pack(kind, number, self.sent, len(payload)), payload)
        self.sent = self.sent + 1 & WRAP

    def flush(self) -> None:
        if self.out:
            data = memoryview(b"".join(self.out))
            self.out.clear()
            while data:
                data = data[os.write(1, data) :]

    # Calls

    def start_waiting(self) -> None:
        while self.waiting and (self.idle or self.hire()):
            if self.begin(self.waiting[0], self.idle.pop()):
                self.feed(self.waiting.pop(0))

    def begin(self, call: Call, warden: Warden) -> bool:
        """Hands a call to a warden; False where that one turns out to be gone."""
        if call.has_input:
            source, call.stdin = os.pipe()
            os.set_blocking(call.stdin, False)
        else:
            source = os.open("/dev/null", os.O_RDONLY)
        theirs = [source]
        for kind in (STDOUT, STDERR):
            call.pipes[kind], target = os.pipe()
            os.set_blocking(call.pipes[kind], False)
            theirs.append(target)
        try:
            socket.send_fds(warden.channel, [call.command], theirs)
        except OSError:  # killed, or stopped with a full channel, while it was idle
            self.bury(warden)
        else:
            call.warden, warden.call = warden, call
        for descriptor in theirs:
            os.close(descriptor)
        if call.warden is None:
            for descriptor in call.pipes.values():
                os.close(descriptor)
            if call.stdin is not None:
                os.close(call.stdin)
            call.pipes, call.stdin = {}, None
            return False
        for kind, descriptor in call.pipes.items():
            self.watch(descriptor, self.relay, (call, kind))
        return True

    def relay(self, what: tuple[Call, int]) -> bool:
        """Passes on one piece of a call's output, or drops it past the cap; False at its end."""
        call, kind = what
        descriptor = call.pipes.get(kind)
        if descriptor is None:
            return False
        try:
            data = os.read(descriptor, _PIPE_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self.unwatch(call.pipes.pop(kind))
            return False
        room = call.room[kind]
        if len(data) > room:
            call.marks |= TRUNCATED
            data = data[:room]
        if data:
            call.room[kind] = room - len(data)
            self.send(kind, call.number, data)
        return True

    def feed(self, call: Call) -> None:
        """Writes as much of a call's input as its process takes now."""
        taken = 0
        while call.input and call.stdin is not None:
            try:
                count = os.write(call.stdin, call.input[:_PIPE_BYTES])
            except BlockingIOError:
                if call.stdin not in self.told:
                    self.watch(call.stdin, self.feed, call, select.EPOLLOUT)
                break
            except OSError:
                self.close_input(call)
            else:
                del call.input[:count]
                taken += count
        if call.stdin is None:
            taken += len(call.input)  # nobody reads it: the host need not wait
            call.input.clear()
        elif not call.input and call.ended:
            self.close_input(call)
        elif not call.input and call.stdin in self.told:
            self.poll.unregister(call.stdin)
            del self.told[call.stdin]
        if taken:
            self.send(TAKEN, call.number, COUNT.pack(taken))

    def close_input(self, call: Call) -> None:
        if call.stdin in self.told:
            self.unwatch(call.stdin)
        elif call.stdin is not None:
            os.close(call.stdin)
        call.stdin = None

    def kill(self, call: Call) -> None:
        """Ends a call: a warden's own work; or nothing's, where none had begun it."""
        if call.warden is None:
            self.waiting.remove(call)
            self.answer(call, 137, KILLED)
        elif not call.overdue:
            call.overdue = time.monotonic() + _STUCK_S
            self.overdue.add(call)
            tell(call.warden.pid, signal.SIGUSR1)
            tell(call.warden.pid, signal.SIGCONT)  # tool code may have stopped it

    def finish(self, call: Call, code: int, marks: int) -> None:
        """Answers a call that has ended: what its pipes still hold, then its exit."""
        if call.warden is not None:
            call.warden.call = None
            call.warden = None
        for kind in (STDOUT, STDERR):
            for _ in range(32):  # a pipe holds a megabyte at most; another call may write on
                if not self.relay((call, kind)):
                    break
            if kind in call.pipes:
                self.unwatch(call.pipes.pop(kind))
        self.close_input(call)
        self.answer(call, code, marks)

    def answer(self, call: Call, code: int, marks: int) -> None:
        del self.calls[call.number]
        self.overdue.discard(call)
        self.send(EXITED, call.number, EXIT.pack(code, marks | call.marks))

    # Wardens

    def hire(self) -> bool:
        """Forks another warden; False where there are enough, or no process is left for it."""
        if len(self.wardens) >= _WARDENS:
            return False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            return False
        if pid == 0:
            try:
                guard(theirs.detach())
            finally:
                os._exit(70)
        theirs.close()
        ours.setblocking(False)
        warden = self.wardens[pid] = Warden(pid, ours)
        self.watch(ours.fileno(), self.hear, warden)
        self.idle.append(warden)
        return True

    def hear(self, warden: Warden) -> None:
        try:
            said = warden.channel.recv(EXIT.size)
        except BlockingIOError:
            return
        if not said:
            self.bury(warden)
        elif warden.call is not None:
            self.finish(warden.call, *EXIT.unpack(said))
            self.idle.append(warden)

    def bury(self, warden: Warden) -> None:
        """Ends a warden that is dead, stuck or spare. Its call's processes are this one's children
        now, and end here."""
        if self.wardens.pop(warden.pid, None) is None:
            return
        if warden in self.idle:
            self.idle.remove(warden)
        tell(warden.pid, signal.SIGKILL)
        self.unwatch(warden.channel.detach())
        swept, _ = sweep(frozenset(self.wardens))
        if warden.call is not None:
            marks = KILLED if warden.call.overdue else BROKEN
            self.finish(warden.call, 137, marks if swept else marks | UNSWEPT)

    def end_stuck(self) -> None:
        now = time.monotonic()
        for call in [call for call in self.overdue if call.overdue < now]:
            if call.warden is not None:
                self.bury(call.warden)

    def dismiss(self) -> None:
        while len(self.idle) > _SPARE:
            self.bury(self.idle[0])

    def watch(
        self,
        descriptor: int,
        act: Callable[[Any], object],
        what: object,
        events: int = select.EPOLLIN,
    ) -> None:
        self.told[descriptor] = (act, what)
        self.poll.register(descriptor, events)

    def unwatch(self, descriptor: int) -> None:
        del self.told[descriptor]
        self.poll.unregister(descriptor)
        os.close(descriptor)
