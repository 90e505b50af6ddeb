"""The resident runner as a child process, with well-behaved commands; no container, no engine."""

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labcrew.errors import RunnerLost
from sandboxes.runner.connection import Connection
from sandboxes.runner.inside import frames
from sandboxes.runner.stream import Attached
from tests.measured import measured

CAP = 1 << 20
# A subreaper, as process 1 of a container is to all that runs there. Its parent waits for wardens.
_PROGRAM = """\
import os
from sandboxes.runner.inside.supervisor import main
from sandboxes.runner.inside.warden import PR_SET_CHILD_SUBREAPER, prctl
prctl(PR_SET_CHILD_SUBREAPER, 1)
runner = os.fork()
if runner == 0:
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    main()
os.close(0)
os.close(1)
code = 0
try:
    while True:
        pid, status = os.wait()
        code = os.waitstatus_to_exitcode(status) if pid == runner else code
except ChildProcessError:
    raise SystemExit(code)
"""


def started(stdin: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=stdin,
        stdout=subprocess.PIPE,
        env=measured(os.environ),
    )


@pytest.fixture
def runner() -> Iterator[Connection]:
    """A connection to it, by a stream framed as the engine frames a container's."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(60)  # the child makes the shared description non-blocking: a send must wait
    process = started(theirs.fileno())
    assert process.stdout is not None
    output = process.stdout.fileno()

    def pass_on() -> None:
        while data := os.read(output, 1 << 16):
            theirs.sendall(struct.pack(">BxxxL", 1, len(data)) + data)

    passing = threading.Thread(target=pass_on)
    passing.start()
    connection = Connection("here", Attached(ours))
    try:
        connection.greet(30)
        yield connection
    finally:
        connection.close()
        assert process.wait(30) == 0, "it ends in order when its input does"
        passing.join()
        process.stdout.close()
        connection.release()
        theirs.close()


def run(
    runner: Connection, script: str, stdin: bytes = b"", seconds: float = 30, cap: int = CAP
) -> tuple[int, bytes, bytes]:
    call = runner.call(("sh", "-c", script), stdin, seconds, cap)
    return call.exit_code, bytes(call.output[frames.STDOUT]), bytes(call.output[frames.STDERR])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_codes_and_both_streams(runner: Connection) -> None:
    assert run(runner, "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")
    assert run(runner, "kill -9 $$")[0] == 137
    assert run(runner, "true") == (0, b"", b"")


def test_what_is_no_program_is_told_as_a_shell_tells_it(runner: Connection) -> None:
    for word, code in (("no-such-program", 127), ("/etc/passwd", 126)):
        call = runner.call((word,), b"", 30, CAP)
        assert call.exit_code == code
        assert word.encode() in call.output[frames.STDERR]


def test_input_comes_whole_however_slowly_it_is_read(runner: Connection) -> None:
    data = os.urandom(3 << 20)
    assert run(runner, "sleep 0.1; cat", data, cap=len(data)) == (0, data, b"")


def test_input_that_nobody_reads_holds_nothing_up(runner: Connection) -> None:
    assert run(runner, "exec <&-; sleep 0.2; echo done", b"x" * (1 << 20))[:2] == (0, b"done\n")


def test_output_past_the_cap_is_dropped_and_said(runner: Connection) -> None:
    call = runner.call(("sh", "-c", "head -c 300000 /dev/zero"), b"", 30, 1000)
    assert len(call.output[frames.STDOUT]) == 1000
    assert call.truncated


def test_a_call_past_its_deadline_ends_with_all_it_began(runner: Connection) -> None:
    code, output, _ = run(runner, "sleep 60 & echo $!; wait", seconds=0.5)
    assert code == 137
    assert not alive(int(output))


def test_what_a_call_leaves_behind_ends_with_it(runner: Connection) -> None:
    code, output, _ = run(runner, "setsid sleep 60 >/dev/null 2>&1 & echo $!")
    assert code == 0
    assert not alive(int(output))


def test_calls_at_once_do_not_wait_for_each_other(runner: Connection, tmp_path: Path) -> None:
    """The first can end only once the second has begun."""
    meeting = tmp_path / "meeting"
    os.mkfifo(meeting)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(run, runner, f"cat {meeting}")
        others = [pool.submit(run, runner, f"sleep 0.2; echo {n}") for n in range(6)]
        assert run(runner, f"echo met > {meeting}")[0] == 0
        assert first.result()[1] == b"met\n"
        assert [call.result()[1] for call in others] == [b"%d\n" % n for n in range(6)]


def test_a_killed_warden_costs_its_call_alone(runner: Connection) -> None:
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(run, runner, "sleep 1; echo well")
        with pytest.raises(RunnerLost, match="killed"):
            run(runner, "kill -9 $PPID; sleep 60")
        assert other.result()[1] == b"well\n"
    assert runner.tainted


def test_a_stopped_warden_is_ended_after_the_deadline(runner: Connection) -> None:
    assert run(runner, "kill -STOP $PPID; sleep 60", seconds=0.5)[0] == 137


def test_a_stream_out_of_order_ends_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, started(theirs.fileno()) as process:
        assert process.stdout is not None
        ours.sendall(frames.HEADER.pack(frames.HELLO, 0, 9, 0))
        assert process.wait(30) == 71
        assert process.stdout.read() == b""
