"""A malicious program in the runner's place: whatever it answers has a typed outcome, and the next
call gets a fresh runner in the same workspace."""

import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest

from labcrew.domain.sandbox import Limits, SandboxSpec
from labcrew.errors import EngineError, RunnerLost
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.runner import program
from tests.sandboxes.fixtures import Workshop

pytestmark = pytest.mark.engine

# Each answers one call; k, c, s, p of `frame` are kind, call, sequence and payload. READY is 17,
# STDOUT 18, STDERR 19, TAKEN 20, EXITED 21; `s` counts on by itself where it isn't given.
AT_GREETING = {
    "a wrong nonce": "say(17, 0, bytes(16))",
    "a short nonce": "say(17, 0, nonce[:8])",
    "no greeting but an answer": "say(21, 1, exit_())",
    "output before the greeting": "say(18, 1, b'early'); say(17, 0, nonce)",
    "a greeting for a call": "say(17, 1, nonce)",
    "a greeting of two gigabytes": "raw(H.pack(17, 0, 0, 1 << 31))",
    "its end": "sys.exit(0)",
}
AT_CALL = {
    "a second greeting": "say(17, 0, nonce)",
    "a frame of four gigabytes": "raw(H.pack(18, call, sent, 0xffffffff)); raw(bytes(1 << 20))",
    "an unknown kind": "say(99, call, b'x')",
    "a kind that only the host sends": "say(2, call, b'x')",
    "another call's number": "say(18, call + 1, b'x')",
    "a call that never was": "say(21, 4000000000, exit_())",
    "a sequence number left out": "say(18, call, b'x', sent + 1)",
    "a sequence number used twice": "say(18, call, b'x'); say(18, call, b'x', sent - 1)",
    "garbage": "raw(b'HTTP/1.1 200 OK\\r\\n\\r\\n' * 1000)",
    "zeros": "raw(bytes(1 << 16))",
    "more output than it may": "[say(18, call, bytes(1 << 16)) for _ in range(65)]",
    "empty output": "say(18, call, b'')",
    "an exit code beyond a byte": "say(21, call, exit_(256))",
    "a negative exit code": "say(21, call, exit_(-1))",
    "unknown marks": "say(21, call, exit_(0, 128))",
    "a kill that nobody asked for": "say(21, call, exit_(137, 2))",
    "a truncation where there was room": "say(21, call, exit_(0, 1))",
    "an exit of the wrong size": "say(21, call, b'')",
    "a count of the wrong size": "say(20, call, b'12')",
    "more input taken than was given": "say(20, call, struct.pack('!I', 1 << 30))",
    "no input taken": "say(20, call, struct.pack('!I', 0))",
    "half a frame, then its end": "raw(H.pack(18, call, sent, 100) + b'half'); sys.exit(0)",
    "half a header, then its end": "raw(b'\\x12\\0\\0'); sys.exit(0)",
    "its end": "sys.exit(0)",
    "its warden's death": "say(21, call, exit_(137, 4))",
}
AFTER_ANSWER = {
    "two answers": "say(21, call, exit_()); say(21, call, exit_(1))",
    "output after the answer": "say(21, call, exit_()); say(18, call, b'late')",
    "an unasked answer after the answer": "say(21, call, exit_()); say(21, call + 1, exit_())",
    "its end after the answer": "say(21, call, exit_()); sys.exit(0)",
}

FORGER = """
import os, struct, sys
H = struct.Struct("!BIII")
sent = 0
def raw(data):
    while data:
        data = data[os.write(1, data):]
def say(k, c, p, s=None):
    global sent
    raw(H.pack(k, c, sent if s is None else s, len(p)) + p)
    sent = (sent if s is None else s) + 1
def exit_(code=0, marks=0):
    return struct.pack("!iB", code, marks)
def take():
    data = b""
    while len(data) < H.size:
        data += os.read(0, H.size - len(data)) or sys.exit(0)
    kind, call, _, length = H.unpack(data)
    payload = b""
    while len(payload) < length:
        payload += os.read(0, length - len(payload)) or sys.exit(0)
    return kind, call, payload
if os.path.exists("/workspace/forged"):
    exec(REAL)
open("/workspace/forged", "w").close()
_, _, nonce = take()
exec(AT_GREETING)
say(17, 0, nonce)
kind, call, payload = take()
exec(AT_CALL)
while True:
    take()
"""


@pytest.fixture
def forged(workshop: Workshop) -> Iterator["Forged"]:
    forged = Forged(workshop)
    yield forged
    for sandboxes in forged.made:
        sandboxes.close()


class Forged:
    """Makes tool containers whose first runner is a forger, and whose second is the real one."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.made: list[DockerSandboxes] = []

    def container(self, at_greeting: str, at_call: str) -> tuple[DockerSandboxes, SandboxSpec]:
        *python, real = program.command()
        parts = {"REAL": real, "AT_GREETING": at_greeting, "AT_CALL": at_call}
        source = "".join(f"{name} = {text!r}\n" for name, text in parts.items()) + FORGER
        shared = self.workshop.sandboxes
        sandboxes = DockerSandboxes(
            shared.home_id, self.workshop.repositories, shared.client, runner=(*python, source)
        )
        self.made.append(sandboxes)
        spec = SandboxSpec(
            name=f"forged-{uuid.uuid4().hex[:6]}",
            purpose="tools",
            ticket="T-1",
            image=self.workshop.image,
            limits=Limits(memory_mb=128, pids=32),
        )
        return sandboxes, spec


def is_fresh(sandboxes: DockerSandboxes, name: str) -> None:
    assert sandboxes.exec(name, ("sh", "-c", "ls; exit 3")).stdout == "forged\n"
    assert sandboxes.read_file(name, "forged") == b""


@pytest.mark.parametrize("forgery", AT_GREETING)
def test_a_forged_greeting(forged: Forged, forgery: str) -> None:
    sandboxes, spec = forged.container(AT_GREETING[forgery], "")
    with pytest.raises(RunnerLost):
        sandboxes.start(spec)
    assert sandboxes.status(spec.name).state == "exited"
    is_fresh(sandboxes, spec.name)


@pytest.mark.parametrize("forgery", AT_CALL)
def test_a_forged_answer(forged: Forged, forgery: str) -> None:
    sandboxes, spec = forged.container("", AT_CALL[forgery])
    sandboxes.start(spec)
    with pytest.raises(RunnerLost):
        sandboxes.exec(spec.name, ("true",), stdin=b"input", timeout_s=20)
    is_fresh(sandboxes, spec.name)


@pytest.mark.parametrize("forgery", AFTER_ANSWER)
def test_more_than_an_answer(forged: Forged, forgery: str) -> None:
    sandboxes, spec = forged.container("", AFTER_ANSWER[forgery])
    sandboxes.start(spec)
    assert sandboxes.exec(spec.name, ("true",), timeout_s=20).stdout == ""
    # What came late is seen by the call after, if not before it; or it passes for that call's
    # answer, and then the call after that gets none.
    for _ in range(2):
        with suppress(RunnerLost):
            sandboxes.exec(spec.name, ("true",), timeout_s=2)
    is_fresh(sandboxes, spec.name)


def test_no_answer_at_all_ends_with_the_deadline(forged: Forged) -> None:
    sandboxes, spec = forged.container("", "")
    sandboxes.start(spec)
    result = sandboxes.exec(spec.name, ("true",), timeout_s=1)
    assert result.timed_out
    is_fresh(sandboxes, spec.name)


def test_a_runner_that_takes_no_input_ends_with_the_deadline(forged: Forged) -> None:
    sandboxes, spec = forged.container("", "import time; time.sleep(3600)")
    sandboxes.start(spec)
    result = sandboxes.exec(spec.name, ("cat",), stdin=bytes(5_000_000), timeout_s=1)
    assert result.timed_out
    is_fresh(sandboxes, spec.name)


def test_an_image_without_python_is_told(workshop: Workshop) -> None:
    spec = workshop.spec("bare", "", purpose="tools", command=(), workspace=None)
    spec = spec.model_copy(update={"environment": {"PATH": "/nowhere"}})
    with pytest.raises(EngineError, match="no python3"):
        workshop.sandboxes.start(spec)
