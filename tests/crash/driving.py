"""Drives a story's ticket in processes that are killed, and tells what its way left."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from desk.wiring import open_home
from labcrew.ports import SystemClock
from labcrew.settings import ModelSettings, Settings
from sandboxes.client import connect
from tests.crash.stories import STORIES
from tests.graphs.tiny import engine_names, make_tracking
from tests.sandboxes.fixtures import UserFolder

DRIVER = Path(__file__).with_name("driver.py")
ROOT = DRIVER.parents[2]
_VARIES = {
    "duration_s",
    "started_at",
    "at_s",
    "seen_at",
    "tracker_run",
    "opened_at",
    "repository",
    "source",
    "log_bytes",
    "tail",
    "hours",  # a revision's forecast rests on how long the runs before it took
}
_MEASURED = re.compile(r"\d+(?= s of running time| s a run, measured)|[\d.e-]+(?= h, )")


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
    met: frozenset[str]

    def wait(self) -> int:
        """How many lives it took."""
        out, errors = self.process.communicate(timeout=1500)
        assert self.process.returncode == 0, errors[-3000:]
        return int(out.split()[-2])

    def killed_at(self) -> set[str]:
        return set((self.folder / "killed").read_text().splitlines()) - self.met


@dataclass
class Crashes:
    """Makes homes with a story's assigned ticket, and drivers for them."""

    root: Path
    tracking: Path
    driven: list[Driven] = field(default_factory=list)

    def drive(self, story: str, mode: str, *, seed: int = 0, met: Set[str] = frozenset()) -> Driven:
        """Starts a driver.

        Args:
            story, mode, seed: its arguments.
            met: points at which it lives on.
        """
        told = STORIES[story]
        made = self.root / story
        if not made.exists():
            told.makes(made)
        folder = self.root / f"{story}-{mode}"
        folder.mkdir()
        (folder / "killed").write_text("".join(f"{point}\n" for point in sorted(met)))
        shutil.copytree(made, folder / "tiny")
        shutil.copy(self.tracking, folder / "mlflow.db")
        with open_home(folder / "home", create=True, clock=AssignmentClock()) as opened:
            if told.chat is not None:  # without a model no ticket that needs code is taken
                model = ModelSettings(model=told.chat.name, base_url="http://127.0.0.1:9")
                opened = replace(opened, settings=Settings(models={"default": model}))
            asked = told.asks(folder / "tiny")
            opened.office().assign(asked, source="test", by="ada", beside=folder)
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), story, mode, str(folder), str(seed)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.driven.append(Driven(folder, UserFolder(folder / "tiny"), process, frozenset(met)))
        return self.driven[-1]


@contextmanager
def crashing(root: Path) -> Iterator[Crashes]:
    """Drivers at work in a folder, all at once: waiting for the engine is most of what each does.
    They end with the block.
    """
    crashes = Crashes(root, make_tracking(root / "mlflow.db"))
    try:
        yield crashes
    finally:
        for one in crashes.driven:
            with suppress(ProcessLookupError):
                os.killpg(one.process.pid, signal.SIGKILL)  # the lives too, which hold its pipes
            one.process.communicate()


def plain(value: Any) -> Any:
    """A record without what differs from run to run: times, places and random ids."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in _VARIES}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        value = _MEASURED.sub("some", value)
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
            for name in (
                "plans",
                "trials",
                "incidents",
                "patches",
                "merge_requests",
                "findings",
                "lessons",
            )
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
    def rest(found: dict[str, Any]) -> dict[str, Any]:
        return {name: records for name, records in found.items() if name != "tools"}

    assert rest(one) == rest(other)
    # A call that took effect in its caller's last moment stands as an effect, found afterwards.
    assert set(other["tools"]) <= set(one["tools"])
