"""A drafter that is killed at every step, or at random, leaves what an unharmed one leaves."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from desk.wiring import open_home
from graphs.drafting.machine import drafting_graph
from labcrew.domain.draft import Draft
from labcrew.domain.ticket import Ticket
from sandboxes.client import connect
from sandboxes.git.repositories import GitRepositories
from tests.crash.killing import both_sides
from tests.graphs.drafts import LEARNS, REPORTS, make_repository
from tests.graphs.tiny import engine_names

pytestmark = [pytest.mark.engine, pytest.mark.crash]
DRIVER = Path(__file__).with_name("drafting_driver.py")
ROOT = DRIVER.parents[2]
PROGRAM = f"import time\n{LEARNS}time.sleep(0.4)\n{REPORTS}"


def drive(folder: Path, source: Path, commit: str, kills: str) -> subprocess.Popen[str]:
    """Starts a driver on a new home with one draft that was asked for."""
    folder.mkdir()
    with open_home(folder / "home", create=True) as opened:
        GitRepositories(opened.home.repositories).take("D-001", source, commit, snapshot=False)
        draft = Draft(
            id="D-001",
            repository=str(source),
            base_commit=commit,
            sentence="lower the validation loss",
            asked_by="ada",
            asked_at="2026-01-01T00:00:00+00:00",
            assume_yes=True,
        )
        opened.ledger.drafts.put(draft, actor="person:ada")
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(folder), kills, "7"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lives(process: subprocess.Popen[str]) -> int:
    """How many it took."""
    out, errors = process.communicate(timeout=1500)
    assert process.returncode == 0, errors[-3000:]
    return int(out.split()[-2])


def timeless(ticket: Ticket | None) -> dict[str, Any]:
    """A ticket without what follows from how long its runs took."""
    assert ticket is not None
    kept = ticket.model_dump(
        mode="json", exclude={"budget": True, "run": {"timeout_s", "stall_s"}, "repository": True}
    )
    for doubt in kept["doubts"]:
        doubt["because"] = re.sub(r"\d+(?:\.\d+)? (?:s|MiB|min)\b", "…", doubt["because"])
    return dict(kept)


def test_a_killed_drafter_leaves_what_an_unharmed_one_leaves(tmp_path: Path) -> None:
    source = tmp_path / "lab"
    commit = make_repository(source, {"train.py": PROGRAM})
    kills = {"unharmed": "0", "nodes": "nodes", "random": "10"}
    processes = {n: drive(tmp_path / n, source, commit, wanted) for n, wanted in kills.items()}
    try:
        took = {name: lives(process) for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()
    met = set((tmp_path / "nodes" / "killed").read_text().splitlines())
    assert met == both_sides(" ".join(drafting_graph().nodes.keys() - {"refuse"}))
    assert took["unharmed"] == 1
    assert took["nodes"] == len(met) + 1
    assert took["random"] > 5
    left: dict[str, Any] = {}
    for name in processes:
        with open_home(tmp_path / name / "home") as opened:
            ledger = opened.ledger
            assert ledger.verify() == []
            assert ledger.effects.pending("D-001") == []
            assert ledger.lease_of("D-001") is None
            assert engine_names(connect(), opened.home.id) == set()
            done = [event.key for event in ledger.events.of("D-001") if event.kind == "effect.done"]
            assert len(done) == len(set(done))
            runs = [effect.key for effect in ledger.effects.of("D-001") if "/run/" in effect.key]
            assert len(runs) == 4  # one seed twice, and two others
            left[name] = (timeless(ledger.drafts.get("D-001").ticket), sorted(done))
    assert left["nodes"] == left["unharmed"]
    assert left["random"] == left["unharmed"]
