"""Workers killed at every step, in every effect and at random leave what an unharmed one leaves."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from desk.wiring import open_home
from labcrew.ports import SystemClock
from sandboxes.client import connect
from tests.graphs.tiny import DATA, engine_names, make_tiny, make_tracking, ticket
from tests.sandboxes.fixtures import UserFolder

pytestmark = [pytest.mark.engine, pytest.mark.crash]
DRIVER = Path(__file__).with_name("driver.py")
ROOT = DRIVER.parents[2]
_VARIES = {
    "duration_s",
    "at_s",
    "seen_at",
    "tracker_run",
    "opened_at",
    "repository",
    "source",
    "log_bytes",
}


class AssignmentClock(SystemClock):
    """Every home's ticket is assigned at one moment, so that its commits are the same."""

    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Driven:
    """A ticket that a driver works on."""

    folder: Path
    user: UserFolder
    process: subprocess.Popen[str]

    def wait(self) -> int:
        """How many lives it took."""
        out, errors = self.process.communicate(timeout=400)
        assert self.process.returncode == 0, errors[-3000:]
        return int(out.split()[-2])

    def killed_at(self) -> set[str]:
        return set((self.folder / "killed").read_text().splitlines())


@dataclass
class Crashes:
    """Makes homes with the same assigned ticket, and drivers for them."""

    root: Path
    user: UserFolder
    tracking: Path

    def drive(self, mode: str, seed: int = 0) -> Driven:
        folder = self.root / f"{mode}{seed}"
        folder.mkdir()
        shutil.copytree(self.user.path, folder / "tiny")
        shutil.copy(self.tracking, folder / "mlflow.db")
        with open_home(folder / "home", create=True, clock=AssignmentClock()) as opened:
            given = ticket(
                folder / "tiny",
                variant="crash-above",
                data=DATA,
                seeds=[0],
                budget={"trials": 6, "parallel": 1},
            )
            opened.office().assign(given, source="test", by="ada", beside=folder)
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), mode, str(folder), str(seed)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Driven(folder, UserFolder(folder / "tiny"), process)


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Crashes:
    root = tmp_path_factory.mktemp("crashes")
    return Crashes(root, make_tiny(root / "tiny"), make_tracking(root / "mlflow.db"))


@pytest.fixture(scope="module")
def drivers(crashes: Crashes) -> Iterator[dict[str, Driven]]:
    """All at work at once: waiting for the engine is most of what each does."""
    driven = {mode: crashes.drive(mode) for mode in ("none", "nodes", "effects", "random")}
    yield driven
    for one in driven.values():
        one.process.kill()
        one.process.communicate()


def plain(value: Any) -> Any:
    """A record without what differs from run to run: times, places and random ids."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in _VARIES}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"\d+ s of running time", "some s of running time", value)
        return re.sub(r"/\S*?/(?=home/|tiny\b)", "/", value)
    return value


def left(driven: Driven) -> dict[str, Any]:
    """What a ticket's way has left in its home and in the user's repository."""
    with open_home(driven.folder / "home") as opened:
        ledger = opened.ledger
        assert ledger.verify() == []
        keys = [event.key for event in ledger.events.of(None)]
        assert len(keys) == len(set(keys))
        assert ledger.effects.pending("T-001") == []
        assert ledger.lease_of("T-001") is None
        assert engine_names(connect(), opened.home.id) == set()
        found: dict[str, Any] = {
            name: [plain(r.model_dump(mode="json")) for r in getattr(ledger, name).of("T-001")]
            for name in ("plans", "trials", "incidents", "merge_requests", "findings", "lessons")
        }
        found["ticket"] = plain(ledger.tickets.get("T-001").model_dump(mode="json"))
        found["decisions"] = [(d.gate, d.kind, d.by) for d in ledger.decisions.of("T-001")]
        starts = [e.data["id"] for e in ledger.events.of("T-001") if e.kind == "trial.started"]
        found["starts"] = starts
        tools = {e.key for e in ledger.events.of("T-001") if e.kind == "tool.used"}
        found["tools"] = sorted(re.sub(r"/[0-9a-f]{12}$", "", key) for key in tools)
    found["branches"] = driven.user.git("for-each-ref", "--format=%(refname) %(objectname)")
    outputs = driven.folder / "home" / "outputs"
    found["outputs"] = sorted(str(p.relative_to(outputs)) for p in outputs.rglob("*"))
    behind: dict[str, set[str]] = {}
    for line in (driven.folder / "containers").read_text().splitlines():
        name, identity = line.split(" ", 1)
        behind.setdefault(name, set()).add(identity)
    found["containers"] = {n: len(i) for n, i in behind.items() if n.endswith("-trial")}
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name in one.keys() - {"tools"}:
        assert one[name] == other[name], name
    # A call that took effect in its caller's last moment stands as an effect, found afterwards.
    assert set(other["tools"]) <= set(one["tools"])


@pytest.fixture(scope="module")
def unharmed(drivers: dict[str, Driven]) -> dict[str, Any]:
    assert drivers["none"].wait() == 1
    found = left(drivers["none"])
    assert found["ticket"]["outcome"].startswith("merged")
    assert len(found["trials"]) == len(found["starts"]) == 6
    assert found["incidents"]
    assert len(found["merge_requests"]) == 1
    assert set(found["containers"].values()) == {1}
    return found


def test_killed_before_and_after_every_step(
    drivers: dict[str, Driven], unharmed: dict[str, Any]
) -> None:
    driven = drivers["nodes"]
    lives = driven.wait()
    steps = "intake literature_review profile_data investigate plan gate_plan prepare"
    steps += " design_trials launch_trials monitor_trials analyse open_merge_request smoke_test"
    steps += " gate_merge merge"
    expected = {f"{side} {n}" for n in (*steps.split(), "reflect") for side in ("before", "after")}
    # A gate's step ends only once it is decided; both sides of it were met all the same.
    assert driven.killed_at() == expected
    assert lives == len(expected) + 1
    same(unharmed, left(driven))


def test_killed_in_the_middle_of_every_effect(
    drivers: dict[str, Driven], unharmed: dict[str, Any]
) -> None:
    driven = drivers["effects"]
    lives = driven.wait()
    killed = driven.killed_at()
    assert lives == len(killed) + 1
    for effect in (
        "start t-001-000-trial",
        "start t-001-mr0-smoke",
        "run t-001-000-validation",
        "run t-001-000-holdout",
        "land T-001",
        "publish T-001",
        "collect t-001-000-trial",
    ):
        assert {f"before {effect}", f"after {effect}"} <= killed
    # Left behind by this one, and removed by the next life as an orphan.
    assert "before remove t-001-000-trial" in killed
    assert any(point.startswith("after merge") for point in killed)
    same(unharmed, left(driven))


def test_killed_at_random(drivers: dict[str, Driven], unharmed: dict[str, Any]) -> None:
    assert drivers["random"].wait() >= 5
    same(unharmed, left(drivers["random"]))
