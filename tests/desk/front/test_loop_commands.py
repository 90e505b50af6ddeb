"""Commands on loops say the same, whether the home is here or behind a server."""

import json
from pathlib import Path

import pytest

from desk.wiring import Opened
from tests.desk.api.test_evolutions import SPEC
from tests.desk.evolved import evolved, started
from tests.desk.front.conftest import Runs, Served
from tests.graphs.evolution.lab import SECRET

READING = [
    ("evolution", "list"),
    ("evolution", "show", "E-001"),
    ("inbox",),
    ("mr", "list"),
    ("mr", "show", "E-001"),
    ("mr", "diff", "E-001-MR0"),
]


@pytest.fixture
def lab(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A loop that waits with its merge request, and one that nobody has worked on."""
    evolved(opened, tmp_path, monkeypatch)
    started(opened, tmp_path, "no_memory")
    return opened


def test_reading(lab: Opened, here: Runs, there: Runs) -> None:
    for command in READING:
        for form in ((), ("--json",)):
            mine, theirs = here(*command, *form), there(*command, *form)
            assert theirs.exit_code == 0, theirs.output
            assert theirs.output == mine.output, command
            assert SECRET not in theirs.output
    listed = json.loads(there("evolution", "list", "--json").output)["evolutions"]
    assert [(loop["id"], loop["control"]) for loop in listed] == [
        ("E-001", ""),
        ("E-002", "no_memory"),
    ]


def test_steering(lab: Opened, there: Runs) -> None:
    for move, status in (("pause", "paused"), ("resume", "assigned"), ("stop", "stopped")):
        told = there("evolution", move, "E-001")
        assert told.exit_code == 0, told.output
        assert f"E-001 is {status}." in told.output
        assert lab.ledger.evolutions.get("E-001").status == status
    late = there("evolution", "pause", "E-001")
    assert (late.exit_code, "E-001 is stopped" in late.output) == (2, True)
    [line] = [e for e in lab.ledger.events.of("E-001") if e.kind == "evolution.paused"]
    assert line.actor == "person:ada"


def test_starting(lab: Opened, here: Runs, there: Runs, tmp_path: Path) -> None:
    file = tmp_path / "SPEC.md"
    file.write_text(SPEC)
    for runs, id in ((here, "E-003"), (there, "E-004")):
        told = runs("evolution", "new", str(file), "--control", "random_search")
        assert told.exit_code == 0, told.output
        assert f"{id} is assigned: Better skill" in told.output
        taken = lab.ledger.evolutions.get(id)
        assert (taken.source, taken.started_by) == (str(file), "ada")
        assert (taken.control, taken.repository) == ("random_search", str(tmp_path / "target"))
    file.write_text(SPEC.replace("low: 0", "low: zero"))
    for wrong in ((str(file),), (str(tmp_path / "gone.md"),), (str(file), "--control", "chance")):
        mine, theirs = (runs("evolution", "new", *wrong) for runs in (here, there))
        assert mine.exit_code == theirs.exit_code == 2
        assert mine.output == theirs.output
    assert "SPEC.md:12, field metric.low" in here("evolution", "new", str(file)).output
    file.write_text(SPEC.replace("[scorer]", "[judge]"))
    refused = there("evolution", "new", str(file))
    assert (refused.exit_code, "no file of the commit is judge" in refused.output) == (2, True)
    assert lab.ledger.evolutions.count() == 4


def test_long_loops_come_whole(lab: Opened, there: Runs) -> None:
    loop, first = lab.ledger.evolutions.get("E-002"), lab.ledger.rounds.get("E-001-R0001")
    for number in range(1, 251):
        id = f"{loop.id}-R{number:04d}"
        changed = first.model_copy(update={"id": id, "ticket": loop.id, "number": number})
        lab.ledger.rounds.put(changed, actor="coordinator")
    shown = json.loads(there("evolution", "show", "E-002", "--json").output)
    assert [row["number"] for row in shown["rounds"]] == list(range(1, 251))


def test_watching(lab: Opened, there: Runs) -> None:
    told = there("watch", "E-001", "--once")
    assert told.exit_code == 0, told.output
    assert "ada started the loop" in told.output
    assert "Round 1: skill 0.8: kept" in told.output


def test_refusals_are_clear(
    lab: Opened, served: Served, here: Runs, there: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (("evolution", "show", "E-01"), ("evolution", "stop", "E-01")):
        mine, theirs = here(*command), there(*command)
        assert mine.exit_code == theirs.exit_code == 2
        assert mine.output == theirs.output
        assert "Did you mean E-001" in theirs.output
    assert there("watch", "E-009", "--once").exit_code == 2
    both = there("evolution", "list", "--home", "x", "--server", served.url)
    assert (both.exit_code, "Leave one out" in both.output) == (2, True)
    assert "token signs" in there("evolution", "pause", "E-001", "--by", "bo").output
    monkeypatch.setenv("LABCREW_TOKEN", served.token("viewer", "vi"))
    refused = there("evolution", "pause", "E-001")
    assert (refused.exit_code, "is a viewer here" in refused.output) == (2, True)
    assert lab.ledger.evolutions.get("E-001").status == "waiting"
