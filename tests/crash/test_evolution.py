"""A loop that is killed at every step, or at random, leaves what an unharmed one leaves."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphs.evolution.machine import evolution_graph
from labcrew.ledger import Ledger
from tests.crash.killing import both_sides
from tests.doubles.bench import FixedClock
from tests.graphs.evolution.lab import GIT, lab_at, make_spec

pytestmark = pytest.mark.crash
DRIVER = Path(__file__).with_name("evolution_driver.py")
ROOT = DRIVER.parents[2]
ROUNDS = 8


def drive(folder: Path, kills: str) -> subprocess.Popen[str]:
    """Starts a driver on a new home with one loop."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patches:
        lab = lab_at(folder, patches)
        budget = {"rounds": ROUNDS, "parallel": 1}
        spec = make_spec(lab.target, budget=budget).model_copy(update={"repository": "target"})
        lab.start(spec)
        lab.bench.ledger.close()
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(folder), kills, "3"],
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


def left(folder: Path) -> dict[str, Any]:
    """What a loop left in the ledger and in the user's repository, without what time does."""
    home = folder / "lab" / "home"
    timed = {"seconds", "own_seconds"}
    with Ledger.open(
        f"sqlite:///{home / 'ledger.db'}", anchor=home / "ledger.head", clock=FixedClock()
    ) as ledger:
        assert ledger.verify() == []
        (evolution,) = ledger.evolutions.all()
        runs = ledger.scored_runs.of("E-001")
        found = {
            "rounds": [r.model_dump(exclude=timed) for r in ledger.rounds.of("E-001")],
            "runs": sorted((r.model_dump() for r in runs), key=lambda run: run["id"]),
            "lessons": [lesson.text for lesson in ledger.lessons.all()],
            "ended runs": sorted(run.id for run in ledger.ended_runs.of("E-001")),
            "tokens": evolution.model_tokens,
            "champion": evolution.champion,
            "sealed": evolution.sealed,
            "kept": evolution.kept,
            "requests": [r.description.split("## Rounds")[0] for r in ledger.merge_requests.all()],
        }
    listed = subprocess.run(
        ["git", "-C", str(folder / "target"), "for-each-ref", "--format=%(objectname) %(refname)"],
        env=GIT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return found | {"refs": [r for r in listed.stdout.splitlines() if "/labcrew/" in r]}


def test_a_killed_loop_leaves_what_an_unharmed_one_leaves(tmp_path: Path) -> None:
    kills = {"unharmed": "0", "nodes": "nodes", "random": "12"}
    processes = {name: drive(tmp_path / name, wanted) for name, wanted in kills.items()}
    try:
        took = {name: lives(process) for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
    met = set((tmp_path / "nodes" / "killed").read_text().splitlines())
    assert met == both_sides(" ".join(evolution_graph().nodes))
    assert took["unharmed"] == 1
    assert took["nodes"] == len(met) + 1
    assert took["random"] > 8
    unharmed = left(tmp_path / "unharmed")
    assert len(unharmed["rounds"]) == ROUNDS
    for name in ("nodes", "random"):
        killed = left(tmp_path / name)
        for part, was in unharmed.items():
            assert killed[part] == was, (name, part)
    assert unharmed["kept"], "something was kept, or the branches would tell nothing"
    assert len(unharmed["refs"]) == 2
