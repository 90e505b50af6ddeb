"""The engine lost in mid-call, and the labcrew process that owns a runner killed."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from labcrew.errors import EngineError, OutcomeUnknown, RunnerLost
from sandboxes.client import SOCKET
from sandboxes.docker_sandboxes import DockerSandboxes
from tests.sandboxes.fixtures import Workshop

pytestmark = pytest.mark.engine


class Proxy:
    """Passes a loopback port on to the engine's socket until it is cut."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._cut = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        others: dict[socket.socket, socket.socket] = {}
        while not self._cut.is_set():
            for ready in select.select([self._listener, *others], [], [], 0.02)[0]:
                if ready is self._listener:
                    client, _ = ready.accept()
                    engine = socket.socket(socket.AF_UNIX)
                    engine.connect(SOCKET)
                    others |= {client: engine, engine: client}
                    continue
                try:
                    data = ready.recv(1 << 16)
                    others[ready].sendall(data)
                except OSError:
                    data = b""
                if not data:
                    for end in (ready, others[ready]):
                        others.pop(end, None)
                        end.close()
                    break  # what else was ready may be closed now
        for end in (*others, self._listener):
            end.close()

    def cut(self) -> None:
        """Closes every connection; none is taken any more."""
        self._cut.set()
        self._thread.join()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.cut()


@pytest.mark.skipif("DOCKER_HOST" in os.environ, reason="the proxy stands before a local socket")
def test_the_engine_lost_in_mid_call_is_unknown(workshop: Workshop, lab: str, proxy: Proxy) -> None:
    client = docker.APIClient(base_url=proxy.address, version="auto", timeout=20)
    far = DockerSandboxes(workshop.sandboxes.home_id, workshop.repositories, client)
    spec = workshop.spec("far", "", purpose="tools", command=())
    far.start(spec)
    assert far.exec(spec.name, ("cat",), stdin=b"x" * 300_000).stdout == "x" * 300_000
    lost: list[BaseException] = []

    def call() -> None:
        try:
            far.exec(spec.name, ("sh", "-c", "touch begun; sleep 60; touch ended"))
        except EngineError as error:
            lost.append(error)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    while "begun" not in far.exec(spec.name, ("ls",)).stdout:
        time.sleep(0.02)
    proxy.cut()
    for thread in threads:
        thread.join(20)
    assert [type(error) for error in lost] == [RunnerLost] * 3
    assert all(isinstance(error, OutcomeUnknown) for error in lost)
    with pytest.raises(EngineError):
        far.exec(spec.name, ("true",))
    far.close()
    client.close()
    # Another way to the engine finds the workspace as it was, and nothing that still runs.
    assert "begun" in workshop.sandboxes.exec(spec.name, ("ls",)).stdout
    time.sleep(0.2)
    assert "ended" not in workshop.sandboxes.exec(spec.name, ("ls",)).stdout


OWNER = """
import sys
from pathlib import Path
from labcrew.domain.sandbox import Limits, SandboxSpec
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.git.repositories import GitRepositories
home, name, image, folder = sys.argv[1:]
box = DockerSandboxes(home, GitRepositories(Path(folder)))
limits = Limits(memory_mb=128, pids=32)
box.start(SandboxSpec(name=name, purpose="tools", ticket="T-1", image=image, limits=limits))
print(box.exec(name, ("sh", "-c", "touch kept; echo up")).stdout, end="", flush=True)
box.exec(name, ("sh", "-c", "sleep 60; touch late"))
"""


def test_a_runner_ends_with_its_owner_and_the_next_starts_it_anew(
    workshop: Workshop, tmp_path: Path
) -> None:
    box = workshop.sandboxes
    name = f"owned-{os.getpid()}"
    command = [sys.executable, "-c", OWNER, box.home_id, name, workshop.image, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        assert box.status(name).state == "running"
        owner.send_signal(signal.SIGKILL)
    end = time.monotonic() + 60
    while box.status(name).state == "running":
        assert time.monotonic() < end, "the runner outlives its owner"
        time.sleep(0.05)
    assert box.exec(name, ("ls",)).stdout == "kept\n"


def test_a_runner_of_another_process_is_not_joined(workshop: Workshop, lab: str) -> None:
    other = DockerSandboxes(
        workshop.sandboxes.home_id, workshop.repositories, workshop.sandboxes.client
    )
    started = other.status(lab).started_at
    assert other.exec(lab, ("echo", "mine")).stdout == "mine\n"
    assert other.status(lab).started_at != started
    assert workshop.sandboxes.exec(lab, ("echo", "taken back")).stdout == "taken back\n"
    other.close()
