"""The engine's helper where none answers: what it installs, starts, notes and may stop."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labcrew.errors import EngineUnavailable
from sandboxes.engine import Engine
from sandboxes.processes import is_engine

NO_ANSWER = EngineUnavailable("No Docker engine answers")
FORBIDDEN = EngineUnavailable("You may not use the Docker engine", "Add yourself to its group")

# As systemd does: a unit that is active stays as it is, another start has an id of its own.
SYSTEMCTL = r"""
cd "${0%/*}"
case "$1" in
    show) cat unit ;;
    start) case "$(cat unit)" in
        *ActiveState=active*) ;;
        *) printf 'InvocationID=%s\nActiveState=active\n' $$ > unit ;;
    esac ;;
    stop) printf 'InvocationID=\nActiveState=inactive\n' > unit ;;
esac
"""
DOCKERD = """
trap 'kill $!' TERM
sleep 60 &
echo $$ > "$2"
wait
"""


class FakeClient:
    def version(self) -> dict[str, str]:
        return {"Version": "0"}


@dataclass
class Machine:
    """Programs that note how they were called, and do nothing else unless told to.

    Args:
        folder: holds all programs that can be found.
        answers: what each look for an engine meets, in turn; the last one stays.
    """

    folder: Path
    answers: list[EngineUnavailable | None]

    def has(self, *names: str, script: str = "") -> None:
        for name in names:
            program = self.folder / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >> "${{0%/*}}/calls"\n{script}\n')
            program.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line for line in lines if line.startswith(f"{program} ")]

    def unit(self, state: str, invocation: str = "") -> None:
        """Gives systemd's unit a state and the id of its last start."""
        (self.folder / "unit").write_text(f"InvocationID={invocation}\nActiveState={state}\n")

    def connect(self, timeout_s: float) -> FakeClient:
        met = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if met:
            raise met
        return FakeClient()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Debian without systemd and without Docker; sudo asks nothing."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "env", "cat", "sed", "rm", "sleep", "kill", "true"):
        (folder / name).symlink_to(shutil.which(name) or "")
    machine = Machine(folder, [NO_ANSWER, None])
    machine.has("sudo", script='[ "$1" = -n ] && shift\nexec "$@"')
    machine.has("apt-get")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr("sandboxes.engine._PATH", str(folder))
    monkeypatch.setattr("sandboxes.engine._EXEC_ROOT", str(tmp_path / "run"))
    monkeypatch.setattr("sandboxes.engine._has_bridge", lambda: True)
    monkeypatch.setattr("sandboxes.engine._systemd", lambda: False)
    monkeypatch.setattr("sandboxes.engine.connect", machine.connect)
    return machine


@pytest.fixture
def systemd(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The same with systemd and with Docker, which is stopped."""
    machine.has("systemctl", script=SYSTEMCTL)
    machine.has("dockerd", "iptables", "debootstrap")
    machine.unit("inactive")
    monkeypatch.setattr("sandboxes.engine._systemd", lambda: True)
    return machine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "state")


@pytest.fixture
def records(
    machine: Machine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[dict[str, object] | None]]:
    """The record at each look for an engine, on a machine with a dockerd that sudo starts.

    Until it has written its pid file none answers.
    """
    records: list[dict[str, object] | None] = []
    processes: list[subprocess.Popen[bytes]] = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            processes.append(self)

    def connect(timeout_s: float) -> FakeClient:
        records.append(engine._record())
        if engine._pid() is None:
            raise NO_ANSWER
        return machine.connect(timeout_s)

    machine.has("iptables", "debootstrap")
    machine.has("dockerd", script=DOCKERD)
    machine.has("sudo", script='[ "$1" = -n ] && shift\n"$@"')  # stays, as dockerd's parent
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sandboxes.engine.connect", connect)
    monkeypatch.setattr("subprocess.Popen", Popen)
    yield records
    if (pid := engine._pid()) and is_engine(pid):
        os.kill(pid, signal.SIGTERM)
    for process in processes:  # the engine outlives who started it, and is waited for by none
        process.wait()


@pytest.mark.parametrize(
    ("present", "installed"),
    [
        ([], "docker.io runc containerd iptables debootstrap"),
        (["debootstrap"], "docker.io runc containerd iptables"),
        (["dockerd"], "iptables debootstrap"),
        (["dockerd", "iptables"], "debootstrap"),
        (["dockerd", "iptables", "debootstrap"], None),
    ],
)
def test_what_is_installed_never_replaces_a_docker_that_is_there(
    machine: Machine, engine: Engine, present: list[str], installed: str | None
) -> None:
    machine.has(*present)
    engine._install()
    options = "-y --no-remove --no-install-recommends"
    assert machine.calls("apt-get") == (
        [f"apt-get install {options} {installed}"] * bool(installed)
    )


def test_nothing_is_removed_with_new_package_lists_either(machine: Machine, engine: Engine) -> None:
    machine.has("apt-get", script='[ "$1" = update ]')
    with pytest.raises(EngineUnavailable, match="apt-get install"):
        engine._install()
    first, update, second = machine.calls("apt-get")
    assert update == "apt-get update -q"
    assert first == second
    assert "--no-remove" in first


def test_a_stopped_docker_is_enough_where_there_is_no_apt(machine: Machine, engine: Engine) -> None:
    (machine.folder / "apt-get").unlink()
    with pytest.raises(EngineUnavailable, match="Docker is not installed"):
        engine._install()
    machine.has("dockerd")
    engine._install()


def test_a_run_stops_the_unit_that_it_started(systemd: Machine, engine: Engine) -> None:
    assert engine.run(["true"]) == 0
    assert systemd.calls("systemctl")[-1] == "systemctl stop docker.socket docker"
    assert engine.stop() is False


def test_a_unit_that_its_installation_started_is_labcrew_s(
    systemd: Machine, engine: Engine
) -> None:
    (systemd.folder / "dockerd").unlink()
    systemd.has("apt-get", script='"${0%/*}/systemctl" start docker')
    assert engine.ensure() is True
    assert engine.stop() is True


@pytest.mark.parametrize("state", ["active", "activating"])
def test_a_unit_that_is_slow_to_answer_is_waited_for_and_left_alone(
    systemd: Machine, engine: Engine, state: str
) -> None:
    systemd.unit(state, "the person's own")
    (systemd.folder / "dockerd").unlink()  # it is somewhere else
    assert engine.run(["true"]) == 0
    assert engine.ensure() is False
    assert engine.stop() is False
    assert not systemd.calls("apt-get")
    assert not {"start", "stop"} & {call.split()[1] for call in systemd.calls("systemctl")}


def test_a_unit_that_cannot_be_asked_about_is_started_and_left_alone(
    systemd: Machine, engine: Engine
) -> None:
    (systemd.folder / "unit").write_text("")
    assert engine.ensure() is False
    assert "systemctl start docker" in systemd.calls("systemctl")
    assert engine.stop() is False


@pytest.mark.parametrize("state", ["active", "inactive"])
def test_a_unit_that_was_started_anew_is_the_person_s(
    systemd: Machine, engine: Engine, state: str
) -> None:
    assert engine.ensure(keep=False) is True
    recorded = json.loads((engine.state / "engine.json").read_text())
    # Stopped by hand, a unit still shows the id of its last start.
    systemd.unit(state, "another" if state == "active" else recorded["invocation"])
    assert "(not started by labcrew)" in engine.status()
    assert engine.run(["true"]) == 0
    assert not [call for call in systemd.calls("systemctl") if " stop " in call]


@pytest.mark.parametrize("invocation", [{}, {"invocation": ""}])
def test_a_record_that_names_no_start_stops_nothing(
    systemd: Machine, engine: Engine, invocation: dict[str, str]
) -> None:
    systemd.unit("active")
    engine._write_record({"by": "systemctl", "pid": 0, "keep": False, **invocation})
    assert engine.stop() is False


def test_a_unit_that_the_user_may_not_use_is_told_at_once_and_can_be_stopped(
    systemd: Machine, engine: Engine
) -> None:
    systemd.answers = [NO_ANSWER, FORBIDDEN, None]
    with pytest.raises(EngineUnavailable, match="You may not use") as caught:
        engine.ensure()
    assert caught.value.remedy == FORBIDDEN.remedy
    assert engine.stop() is True


def test_a_unit_that_never_answers_has_its_log_named_and_can_be_stopped(
    systemd: Machine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandboxes.engine._START_S", 0.0)
    systemd.answers = [NO_ANSWER]
    with pytest.raises(EngineUnavailable, match="journalctl -u docker"):
        engine.ensure()
    assert engine.stop() is True


def test_a_dockerd_that_the_user_may_not_use_is_told_at_once_and_can_be_stopped(
    machine: Machine, engine: Engine, records: list[dict[str, object] | None]
) -> None:
    machine.answers = [FORBIDDEN, None]
    with pytest.raises(EngineUnavailable, match="You may not use") as caught:
        engine.ensure()
    assert caught.value.remedy == FORBIDDEN.remedy
    assert json.loads((engine.state / "engine.json").read_text())["pid"] == engine._pid()
    assert engine.stop() is True


def test_a_dockerd_is_noted_before_it_answers(
    machine: Machine, engine: Engine, records: list[dict[str, object] | None]
) -> None:
    machine.answers = [None]
    assert engine.run(["true"]) == 0
    first, *later = records
    assert first is None
    assert later
    assert all(later)
    assert engine.stop() is False, "the run has stopped it"


def test_a_slow_engine_of_labcrew_s_own_is_waited_for_and_kept(
    systemd: Machine, engine: Engine
) -> None:
    systemd.unit("active", "labcrew's")
    engine._write_record({"by": "systemctl", "pid": 0, "invocation": "labcrew's", "keep": False})
    assert engine.ensure() is False
    assert engine.run(["true"]) == 0
    assert engine.stop() is True
