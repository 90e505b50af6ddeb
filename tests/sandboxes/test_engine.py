"""The engine's helper where an engine answers already: it changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandboxes.engine import Engine
from sandboxes.processes import is_engine
from tests.measured import measured


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return measured({**os.environ, "XDG_STATE_HOME": str(tmp_path)})


def helper(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandboxes.engine", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_present_engine_is_left_alone(environment: dict[str, str]) -> None:
    assert "nothing to do" in helper(environment, "ensure").stdout
    assert "not started by labcrew" in helper(environment, "status").stdout
    assert "nothing was stopped" in helper(environment, "stop").stdout
    assert helper(environment, "status").returncode == 0


def test_run_hands_on_the_exit_code(environment: dict[str, str]) -> None:
    assert helper(environment, "run", "--", "sh", "-c", "exit 7").returncode == 7
    assert helper(environment, "run", "--", "sh", "-c", "kill -9 $$").returncode == 137
    assert helper(environment, "run", "--", "no-such-program").returncode == 4
    assert helper(environment, "status").returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_run_hands_on_a_request_to_stop(
    environment: dict[str, str], number: signal.Signals, code: int
) -> None:
    command = [
        sys.executable,
        "-m",
        "sandboxes.engine",
        "run",
        "--",
        "sh",
        "-c",
        "echo up; exec sleep 60",
    ]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "up" not in process.stdout.readline():
            pass
        process.send_signal(number)
        assert process.wait(20) == code


def test_no_engine_at_docker_host(environment: dict[str, str]) -> None:
    environment["DOCKER_HOST"] = "tcp://127.0.0.1:9"
    for command in (["ensure"], ["run", "--", "true"]):
        done = helper(environment, *command)
        assert done.returncode == 4
        assert "DOCKER_HOST=tcp://127.0.0.1:9" in done.stderr
    assert helper(environment, "status").returncode == 4


def test_a_pid_that_is_no_engine_is_never_stopped(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for pid in (os.getpid(), 1, 2**22 + 1):
        (tmp_path / "engine.json").write_text(json.dumps({"by": "dockerd", "pid": pid}))
        assert engine.stop() is False
    (tmp_path / "engine.json").write_text("garbage")
    assert engine.stop() is False


def test_a_zombie_is_no_engine(tmp_path: Path) -> None:
    fake = tmp_path / "dockerd"
    fake.write_text("#!/bin/sh\nsleep 60\n")
    fake.chmod(0o755)
    process = subprocess.Popen([fake])
    time.sleep(0.2)
    assert is_engine(process.pid)
    process.kill()
    time.sleep(0.2)
    assert not is_engine(process.pid), "killed, but not waited for"
    process.wait()
