"""The engine's helper where an engine answers already: it changes nothing."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from labcrew.errors import EngineUnavailable
from sandboxes.engine import _TIDY, Engine
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
        assert process.wait(60) == code


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


@contextmanager
def noted(state: Path, *, keep: bool) -> Iterator[subprocess.Popen[bytes]]:
    """A process with an engine's name that the record takes for the one labcrew started."""
    program = state / "dockerd"
    program.write_text("#!/bin/sh\necho up\nsleep 60\n")
    program.chmod(0o755)
    with subprocess.Popen([program], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        record = {"by": "dockerd", "pid": process.pid, "keep": keep}
        (state / "engine.json").write_text(json.dumps(record))
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_what_labcrew_started_is_stopped_by_it(tmp_path: Path) -> None:
    said: list[str] = []
    engine = Engine(tmp_path, said.append)
    with noted(tmp_path, keep=True) as process:
        assert "(started by labcrew)" in engine.status()
        assert engine.stop() is True
        assert not is_engine(process.pid)
        assert said == ["Docker engine stopped."]
        assert engine.stop() is False
        assert "(not started by labcrew)" in engine.status()


def test_the_last_run_stops_what_only_runs_needed(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    with noted(tmp_path, keep=False) as process:
        with (tmp_path / "users").open("a") as other:
            fcntl.flock(other, fcntl.LOCK_SH)  # as another run does for as long as it lasts
            assert engine.run(["true"]) == 0
            assert is_engine(process.pid)
        assert engine.run(["true"]) == 0
        assert not is_engine(process.pid)


def test_ensure_makes_a_run_s_engine_stay(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    with noted(tmp_path, keep=False) as process:
        assert engine.ensure() is False
        assert json.loads((tmp_path / "engine.json").read_text())["keep"] is True
        assert engine.run(["true"]) == 0
        assert is_engine(process.pid)


def test_a_start_that_fails_shows_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    engine = Engine(tmp_path)
    with subprocess.Popen(["false"]) as process:
        process.wait()
        with pytest.raises(EngineUnavailable, match="did not start") as caught:
            engine._wait(process)
        assert "(no log)" in str(caught.value)
        engine.log.write_text("\n".join(f"line {n}" for n in range(40)))
        with pytest.raises(EngineUnavailable) as caught:
            engine._wait(process)
    assert "line 39" in str(caught.value)
    assert "line 24" not in str(caught.value)
    assert not engine.answers()


def test_a_pid_file_of_the_dead_is_removed_and_that_of_the_living_kept(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    for pid, name, stays in ((os.getpid(), "", True), (os.getpid(), "other", False)):
        file.write_text(str(pid))
        own = Path(f"/proc/{pid}/comm").read_text().strip()
        subprocess.run(["sh", "-c", _TIDY, "tidy", str(file), name or own], check=True)
        assert file.exists() is stays


def test_a_machine_that_can_install_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandboxes.engine._PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="not Debian or Ubuntu"):
        Engine(tmp_path)._install()


def test_what_fails_as_root_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no such thing"):
        Engine(tmp_path)._root("sh", "-c", "echo no such thing; exit 3")


def test_a_zombie_is_no_engine(tmp_path: Path) -> None:
    fake = tmp_path / "dockerd"
    fake.write_text("#!/bin/sh\nsleep 60\n")
    fake.chmod(0o755)
    process = subprocess.Popen([fake], start_new_session=True)
    time.sleep(0.2)
    assert is_engine(process.pid)
    os.killpg(process.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert not is_engine(process.pid), "killed, but not waited for"
    process.wait()
