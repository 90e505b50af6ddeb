"""Commands say the same, whether the home is here or behind a server."""

import json
from pathlib import Path

import pytest

from desk.web.feed import Line
from desk.wiring import Opened
from labcrew.domain.experiment import Incident
from tests.desk.board.reviewed import committed
from tests.desk.front.conftest import Runs, Served
from tests.desk.records import fail, merge_request, plan_gate, superseded, trial


@pytest.fixture
def lab(opened: Opened, there: Runs, toy: Path) -> Opened:
    """A ticket with trials, an incident, a gate and a merge request."""
    made = there("ticket", "new", str(toy / "ticket.md"))
    assert made.exit_code == 0, made.output
    assert "T-001 assigned" in made.output
    for number in range(1, 4):
        best = trial(opened, "T-001", number)
    opened.ledger.incidents.put(
        Incident(
            id="T-001-001-I1",
            ticket="T-001",
            trial="T-001-001",
            kind="stalled",
            evidence=(),
            diagnosis="silent",
            at_s=1.0,
        ),
        actor="log_monitor",
    )
    plan_gate(opened, "T-001", expires_at=None)
    merge_request(opened, opened.ledger.tickets.get("T-001"), best)
    return opened


READING = [
    ("ticket", "list"),
    ("ticket", "list", "--status", "assigned"),
    ("ticket", "show", "T-001"),
    ("ticket", "budget", "T-001"),
    ("inbox",),
    ("mr", "list"),
    ("mr", "show", "T-001"),
    ("mr", "diff", "T-001-MR0"),
]


def test_reading(lab: Opened, here: Runs, there: Runs) -> None:
    for command in READING:
        for form in ((), ("--json",)):
            mine, theirs = here(*command, *form), there(*command, *form)
            assert theirs.exit_code == 0, theirs.output
            assert theirs.output == mine.output, command


def test_what_failed_is_listed_here_and_there(lab: Opened, here: Runs, there: Runs) -> None:
    fail(lab, "T-001")
    for form in ((), ("--json",)):
        theirs = there("inbox", *form)
        assert "labcrew ticket retry T-001" in theirs.output
        assert theirs.output == here("inbox", *form).output


def test_a_draft_is_not_made_in_another_place_than_the_server_that_is_meant(
    opened: Opened, there: Runs, toy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LABCREW_HOME", str(tmp_path / "another"))
    for words in (
        ("ticket", "new", str(toy), "a better rate", "--yes"),
        ("ticket", "new", "--resume", "D-001"),
        ("ticket", "answer", "D-001", "metric.direction", "1"),
        ("ticket", "drafts"),
    ):
        refused = there(*words, "--json")
        assert refused.exit_code == 2, words
        error = json.loads(refused.stdout)["error"]
        assert "(LABCREW_SERVER)" in error["message"], words
        assert "--home FOLDER" in error["remedy"], words
    assert not (tmp_path / "another").exists()
    assert opened.ledger.drafts.all() == []
    mine = there("ticket", "drafts", "--home", str(opened.home.root), "--json")
    assert json.loads(mine.stdout) == []


def test_acting(lab: Opened, there: Runs) -> None:
    for move, status in (
        ("pause", "paused"),
        ("resume", "assigned"),
        ("stop", "stopped"),
        ("retry", "assigned"),
    ):
        told = there("ticket", move, "T-001")
        assert told.exit_code == 0, told.output
        assert f"T-001 is {status}." in told.output
        assert lab.ledger.tickets.get("T-001").status == status
    there("ticket", "budget", "T-001", "--trials", "12")
    assert lab.ledger.tickets.get("T-001").budget.trials == 12
    [line] = [e for e in lab.ledger.events.of("T-001") if e.kind == "ticket.paused"]
    assert line.actor == "person:ada"


def test_deciding_and_reviewing(lab: Opened, there: Runs, toy: Path) -> None:
    stale = there("decide", "T-001-plan-r0.0", "accept", "--shown", "0" * 64)
    assert stale.exit_code == 2
    assert "shows something else now" in stale.output
    edits = '{"budget": {"trials": 15}}'
    done = there("decide", "T-001-plan-r0.0", "edit", "--edits", edits)
    assert done.exit_code == 0, done.output
    assert "T-001-plan-r0.0: edit, by ada." in done.output
    again = there("decide", "T-001-plan-r0.0", "accept")
    assert (again.exit_code, "already decided: edit, by ada" in again.output) == (2, True)
    head = committed(lab, toy, "T-001", {"train.py": b"better\n"})
    request = lab.ledger.merge_requests.get("T-001-MR0").model_copy(update={"commit": head})
    lab.ledger.merge_requests.put(request, actor="merge_request")
    revise = ("mr", "comment", "T-001", "Why?", "--path", "train.py", "--line", "1", "--revise")
    noted = there(*revise)
    assert noted.exit_code == 0, noted.output
    assert there(*revise).exit_code == 2
    [first] = lab.ledger.comments.of("T-001")
    assert (first.text, first.path, first.line, first.by) == ("Why?", "train.py", 1, "ada")
    assert lab.ledger.decisions.get("T-001-merge-r0.0").kind == "respond"


def test_merging(lab: Opened, there: Runs) -> None:
    assert "accepted by ada" in there("mr", "merge", "T-001").output
    assert lab.ledger.decisions.get("T-001-merge-r0.0").kind == "accept"


def test_a_superseded_one_is_not_merged(lab: Opened, there: Runs, here: Runs) -> None:
    superseded(lab, lab.ledger.merge_requests.get("T-001-MR0"))
    for runs in (there, here):
        refused = runs("mr", "merge", "T-001-MR0")
        assert (refused.exit_code, "labcrew mr show T-001-MR1" in refused.output) == (2, True)
    assert lab.ledger.decisions.find("T-001-merge-r1.0") is None


def test_watching(lab: Opened, there: Runs) -> None:
    told = there("watch", "T-001", "--once")
    assert told.exit_code == 0, told.output
    assert "ada assigned the ticket" in told.output
    assert "T-001-003" in told.output


def test_watching_once_ends_while_the_crew_works(
    lab: Opened, there: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line that is told is followed by a new one: there is never a silence to end at."""
    told = Line.model_validate_json

    def busy(text: str) -> Line:
        line = told(text)
        if line.sequence < 500:
            lab.ledger.events.append(
                ticket="T-001", actor="worker", kind="x.y", key=f"busy/{line.sequence}", data={}
            )
        return line

    monkeypatch.setattr("desk.front.there.Line.model_validate_json", busy)
    before = lab.ledger.events.last()
    for command in (("watch", "T-001", "--once"), ("watch", "--json")):
        ended = there(*command)
        assert ended.exit_code == 0, ended.output
    assert before < lab.ledger.events.last() < 500


def test_long_lists_come_whole(opened: Opened, there: Runs, toy: Path) -> None:
    there("ticket", "new", str(toy / "ticket.md"))
    for number in range(1, 231):
        trial(opened, "T-001", number)
    shown = json.loads(there("ticket", "show", "T-001", "--json").output)
    assert [t["number"] for t in shown["trials"]] == list(range(1, 231))


def test_refusals_are_clear(
    lab: Opened, served: Served, there: Runs, monkeypatch: pytest.MonkeyPatch, toy: Path
) -> None:
    elsewhere = there("ticket", "show", "..")
    assert (elsewhere.exit_code, "'..' names nothing" in elsewhere.output) == (2, True)
    missing = there("ticket", "show", "T-01")
    assert (missing.exit_code, "Did you mean T-001?" in missing.output) == (2, True)
    (toy / "bad.md").write_text((toy / "ticket.md").read_text().replace("maximize", "up"))
    bad = there("ticket", "new", str(toy / "bad.md"))
    assert (bad.exit_code, "bad.md:4, field metric.direction" in bad.output) == (2, True)
    assert there("inbox", "--home", "x", "--server", served.url).exit_code == 2
    assert "token signs" in there("ticket", "pause", "T-001", "--by", "bo").output
    monkeypatch.setenv("LABCREW_TOKEN", served.token("viewer", "vi"))
    refused = there("ticket", "pause", "T-001")
    assert (refused.exit_code, "is a viewer here" in refused.output) == (2, True)
    monkeypatch.setenv("LABCREW_TOKEN", "lab_nobody")
    assert "does not know this token" in there("inbox").output
    monkeypatch.delenv("LABCREW_TOKEN")
    assert "LABCREW_TOKEN" in there("inbox").output
