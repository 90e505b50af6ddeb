"""Any bytes at all from a runner end in an answer or in RunnerLost, soon, and within bounds."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.errors import RunnerLost
from sandboxes.runner.connection import Connection
from sandboxes.runner.inside import frames
from sandboxes.runner.stream import Attached

CAP = 1000
KINDS = st.sampled_from([2, 17, 18, 19, 20, 21, 22]) | st.integers(0, 255)
NUMBERS = st.integers(0, 3) | st.integers(0, 2**32 - 1)
PAYLOADS = (
    st.binary(max_size=40)
    | st.builds(lambda size: bytes(size), st.integers(0, 2 * CAP))
    | st.builds(frames.EXIT.pack, st.integers(-3, 300), st.integers(0, 255))
    | st.builds(frames.COUNT.pack, st.integers(0, 2**32 - 1))
)
# A frame's sequence number is mostly the right one, or nothing would come through.
FRAMES = st.lists(
    st.tuples(KINDS, NUMBERS, PAYLOADS, st.integers(0, 9).map(lambda n: n == 0)), max_size=8
)


def engine_framed(data: bytes, cut: int) -> Iterator[bytes]:
    """As the engine passes a container's output on: in pieces with a header each."""
    for begin in range(0, len(data), cut):
        piece = data[begin : begin + cut]
        yield struct.pack(">BxxxL", 1, len(piece)) + piece


@contextmanager
def runner() -> Iterator[tuple[socket.socket, Connection]]:
    """The runner's end of a connection that was greeted well."""
    ours, theirs = socket.socketpair()
    connection = Connection("here", Attached(ours))
    head = frames.HEADER.size

    def greet() -> None:
        said = theirs.recv(head + frames.NONCE_BYTES, socket.MSG_WAITALL)
        answer = frames.HEADER.pack(frames.READY, 0, 0, frames.NONCE_BYTES) + said[head:]
        theirs.sendall(b"".join(engine_framed(answer, 7)))

    greeting = threading.Thread(target=greet)
    greeting.start()
    try:
        connection.greet(5)
        greeting.join()
        yield theirs, connection
    finally:
        connection.close()
        connection.release()
        theirs.close()


def answered(said: bytes, cut: int, *, ends: bool) -> int:
    """Calls while the runner says that; answers the exit code. Raises RunnerLost."""
    with runner() as (theirs, connection):
        theirs.sendall(b"".join(engine_framed(said, cut)))
        if ends:
            theirs.shutdown(socket.SHUT_WR)
        began = time.monotonic()
        try:
            call = connection.call(("true",), b"some input", 0.05, CAP)
        finally:
            assert time.monotonic() - began < 120
        assert all(len(output) <= CAP for output in call.output.values())
        return call.exit_code


@settings(max_examples=300)
@given(FRAMES, st.integers(1, 50))
def test_frames_of_every_kind(made: list[tuple[int, int, bytes, bool]], cut: int) -> None:
    said = b"".join(
        frames.HEADER.pack(kind, number, at + 1 + skips, len(payload)) + payload
        for at, (kind, number, payload, skips) in enumerate(made)
    )
    with suppress(RunnerLost):
        assert 0 <= answered(said, cut, ends=True) <= 255


@settings(max_examples=200)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes(said: bytes, cut: int) -> None:
    with pytest.raises(RunnerLost):
        answered(said, cut, ends=True)


@settings(max_examples=50)
@given(st.binary(min_size=1, max_size=100))
def test_what_is_no_frame_of_the_engines(said: bytes) -> None:
    with runner() as (theirs, connection):
        theirs.sendall(b"\x09" + said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(RunnerLost):
            connection.call(("true",), b"", 0.05, CAP)


def test_a_good_answer_in_pieces() -> None:
    said = b"".join(
        frames.HEADER.pack(kind, 1, sequence, len(payload)) + payload
        for sequence, (kind, payload) in enumerate(
            [
                (frames.STDOUT, b"out"),
                (frames.TAKEN, frames.COUNT.pack(4)),
                (frames.EXITED, frames.EXIT.pack(9, 0)),
            ],
            1,
        )
    )
    # The input is taken before the answer is read, or its count would be a lie.
    assert {answered_late(said, cut) for cut in (1, 3, 500)} == {9}


def answered_late(said: bytes, cut: int) -> int:
    """The same, said once the call and its input have come."""
    with runner() as (theirs, connection):

        def answer() -> None:
            got = b""
            while b"some input" not in got:
                got += theirs.recv(1 << 16)
            theirs.sendall(b"".join(engine_framed(said, cut)))

        answering = threading.Thread(target=answer)
        answering.start()
        try:
            return connection.call(("true",), b"some input", 5, CAP).exit_code
        finally:
            answering.join()
