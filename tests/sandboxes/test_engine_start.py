"""The engine's helper where none answers: what it installs."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from labcrew.errors import EngineUnavailable
from sandboxes.engine import Engine

NO_ANSWER = EngineUnavailable("No Docker engine answers")


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
    monkeypatch.setattr("sandboxes.engine._START_S", 1.0)
    monkeypatch.setattr("sandboxes.engine._has_bridge", lambda: True)
    monkeypatch.setattr("sandboxes.engine._systemd", lambda: False)
    monkeypatch.setattr("sandboxes.engine.connect", machine.connect)
    return machine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "state")


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
