"""Workers that are killed at any moment, and workers that want the same ticket."""

import os
import subprocess
import sys
from pathlib import Path

from tests.labcrew.ledger.parts import Home

DRIVER = Path(__file__).with_name("crash_driver.py")
ROOT = DRIVER.parents[3]


def drive(mode: str, folder: Path, count: int) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER), mode, str(folder), str(count)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_killed_at_any_moment_nothing_is_half_written(home: Home, tmp_path: Path) -> None:
    world = tmp_path / "world"
    world.mkdir()
    drive("kill", tmp_path, 70)
    ledger = home.open(check="full")
    assert ledger.verify() == []
    written = ledger.trials.count("T")
    assert written > 30
    assert ledger.incidents.count("T") == ledger.events.count("T", kind="both") == written
    made = {file.name for file in world.iterdir()}
    done = [line for line in ledger.events.of("T") if line.kind == "effect.done"]
    assert {line.data["id"].removeprefix("effect-") for line in done} <= made
    assert 30 < len(done) <= len(made) <= written
    assert len(ledger.effects.pending("T")) <= 1


def test_eight_processes_make_one_ledger_and_hold_the_ticket_in_turn(
    home: Home, tmp_path: Path
) -> None:
    drive("contend", tmp_path, 8)
    ledger = home.open(check="full")
    assert [trial.number for trial in ledger.trials.of("T")] == list(range(1, 49))
    assert {trial.status for trial in ledger.trials.of("T")} == {"planned"}
    assert ledger.lease_of("T") is None
