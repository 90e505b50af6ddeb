"""An engine that is killed in mid-call: unknown, never failed; and nothing is done twice."""

import gc
import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcrew.domain.sandbox import Limits, SandboxSpec
from labcrew.errors import EngineError, EngineUnavailable, LabcrewError, OutcomeUnknown
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.git.repositories import GitRepositories
from sandboxes.images import base_tag
from sandboxes.volumes.orphans import containers
from tests.sandboxes.private_engine import PrivateEngine

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("dockerd") is None, reason="starts an engine of its own"
    ),
    # docker-py leaves the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*<socket.socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def engine(base_image: str) -> Iterator[PrivateEngine]:
    engine = PrivateEngine(Path(tempfile.mkdtemp(prefix="lc-engine-")))
    engine.start()
    try:
        engine.take_base_image()
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def boxes(
    engine: PrivateEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DockerSandboxes]:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    client = engine.client()
    made = DockerSandboxes(
        f"test{uuid.uuid4().hex[:10]}", GitRepositories(tmp_path / "repositories"), client
    )
    yield made
    made.clean_orphans(set())
    made.close()
    until = time.monotonic() + 60  # what was being removed when the engine was killed goes late
    while (left := containers(client)) and time.monotonic() < until:
        time.sleep(0.2)
    assert [(item["Names"], item["Status"]) for item in left] == []
    assert not client.volumes()["Volumes"]
    client.close()
    gc.collect()


def spec(name: str, script: str) -> SandboxSpec:
    return SandboxSpec(
        name=name,
        purpose="trial",
        ticket="T-1",
        image=base_tag(),
        command=("/bin/sh", "-c", script),
        limits=Limits(memory_mb=128, pids=64, timeout_s=120),
    )


def lost_in(
    engine: PrivateEngine, call: Callable[[], object], under_way: Callable[[], bool]
) -> LabcrewError:
    """The error of a call whose engine is killed while it is under way; the engine is back then."""
    errors: list[LabcrewError] = []

    def calling() -> None:
        try:
            call()
        except LabcrewError as error:
            errors.append(error)

    thread = threading.Thread(target=calling)
    thread.start()
    end = time.monotonic() + 60
    while not under_way():
        assert time.monotonic() < end
        time.sleep(0.05)
    engine.kill()
    thread.join(timeout=60)
    engine.start()
    assert len(errors) == 1, "the call came back as if nothing had been"
    return errors[0]


def test_a_call_under_way_is_unknown_and_done_again_once(
    engine: PrivateEngine, boxes: DockerSandboxes
) -> None:
    call = spec("call", "test -e begun && echo twice; touch begun; sleep 8; echo done")
    error = lost_in(
        engine, lambda: boxes.run(call), lambda: boxes.status("call").state == "running"
    )
    assert isinstance(error, OutcomeUnknown)
    assert boxes.run(call).stdout == "done\n"  # in a fresh workspace
    assert boxes.list() == ()


def test_a_tool_call_under_way_is_unknown(engine: PrivateEngine, boxes: DockerSandboxes) -> None:
    boxes.start(spec("tools", "").model_copy(update={"purpose": "tools", "command": ()}))
    error = lost_in(
        engine,
        lambda: boxes.exec("tools", ("sh", "-c", "echo x >> calls; sleep 600"), timeout_s=60),
        lambda: _has(boxes, "tools", "calls"),
    )
    assert isinstance(error, OutcomeUnknown)
    assert boxes.read_file("tools", "calls") == b"x\n"
    assert boxes.status("tools").state == "exited"


def test_a_trial_under_way_is_found_again_and_not_started_twice(
    engine: PrivateEngine, boxes: DockerSandboxes
) -> None:
    trial = spec("trial", "echo started >> log; sleep 600")
    boxes.start(trial)
    end = time.monotonic() + 60
    while not _has(boxes, "trial", "log"):
        assert time.monotonic() < end
    engine.kill()
    with pytest.raises(EngineUnavailable):
        boxes.status("trial")
    with pytest.raises(EngineUnavailable):
        boxes.start(trial)
    engine.start()
    boxes.start(trial)
    status = boxes.status("trial")
    assert status.state == "exited"
    assert status.exit_code != 0
    # Its workspace is there still, behind a device of a new keeper.
    assert boxes.read_file("trial", "log") == b"started\n"
    assert boxes.clean_orphans({"trial"}) == ()


def test_a_start_under_way_is_finished_by_the_next(
    engine: PrivateEngine, boxes: DockerSandboxes
) -> None:
    trial = spec("slow", "echo started >> log; sleep 1")
    assert boxes._create(trial, attached=False)
    engine.kill()
    engine.start()
    boxes.start(trial)
    "".join(boxes.follow("slow"))
    assert boxes.read_file("slow", "log") == b"started\n"


def _has(boxes: DockerSandboxes, name: str, path: str) -> bool:
    try:
        return bool(boxes.read_file(name, path))
    except (LabcrewError, EngineError):
        return False
