"""Reports, exports, cleaning, and the live view, from a real ledger."""

import asyncio
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from desk import keeping
from desk.live import Board, alongside
from desk.office import Office
from desk.report import report
from desk.shift import Shift
from desk.wiring import Opened
from labcrew.domain.experiment import Incident, Intervention
from labcrew.domain.research import Brief, Citation, Finding, SourceReport
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import InputError, LabcrewError
from labcrew.ledger import Ledger
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET, HandClock
from tests.desk.records import merge_request, plan_gate, trial

HOSTILE = "<script>alert(1)</script> | [x](javascript:y) \x1b[2J {{t1}} \u202e"


@pytest.fixture
def office(opened: Opened) -> Office:
    return opened.office()


@pytest.fixture
def assigned(office: Office, toy: Path) -> AssignedTicket:
    return office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)


def _finding(office: Office) -> None:
    citation = Citation(key="own2020", title=HOSTILE, locator="papers/a.md, line 3")
    office.ledger.findings.put(
        Finding(
            id="T-001-F01",
            ticket="T-001",
            claim=HOSTILE,
            citation=citation,
            relevance=0.5,
            confidence=0.5,
        ),
        actor="literature_review",
    )
    office.ledger.briefs.put(
        Brief(
            ticket="T-001",
            findings=("T-001-F01",),
            searched=(SourceReport(source="arxiv", state="unreachable"),),
        ),
        actor="literature_review",
        kind="literature.reviewed",
    )


def test_a_report_escapes_what_came_from_outside(
    office: Office, assigned: AssignedTicket, opened: Opened
) -> None:
    _finding(office)
    plan_gate(opened, "T-001")
    text = report(office.ledger, assigned)
    assert "## What needs a person" in text
    assert "<script>" not in text
    assert re.search(r"(?<!\\)\]\(javascript", text) is None
    assert "{{t1}}" not in text
    assert not {"\x1b", "\u202e"}.intersection(text)


def test_each_claim_has_its_own_place_and_source(office: Office, assigned: AssignedTicket) -> None:
    """A document has many pages, and two documents may have one name."""
    for number, (title, place) in enumerate(
        [("Rates", "a/notes.pdf, page 3"), ("Rates", "a/notes.pdf, page 7"), ("Sizes", "b, page 1")]
    ):
        citation = Citation(key="notes", title=title, locator=place)
        office.ledger.findings.put(
            Finding(
                id=f"T-001-F{number}", ticket="T-001", claim=f"Claim {number}.",
                citation=citation, relevance=0.5, confidence=0.5,
            ),
            actor="literature_review",
        )  # fmt: skip
    office.ledger.briefs.put(
        Brief(ticket="T-001", findings=("T-001-F0", "T-001-F1", "T-001-F2"), searched=()),
        actor="literature_review",
    )
    text = report(office.ledger, assigned)
    assert "- Claim 0. [notes, a/notes.pdf, page 3]" in text
    assert "- Claim 1. [notes, a/notes.pdf, page 7]" in text
    assert "- Claim 2. [notes, b, page 1]" in text
    assert text.count("- [notes] Rates") == text.count("- [notes] Sizes") == 1


def test_reported_numbers_are_labelled(
    office: Office, assigned: AssignedTicket, opened: Opened
) -> None:
    trial(opened, "T-001", 0)
    trial(opened, "T-001", 1, score=None, status="finished")
    text = report(office.ledger, assigned)
    assert "| 0.9 |" in text
    assert "| 0.5 (reported) |" in text


def test_what_of_a_log_could_not_be_read_is_told(
    office: Office, assigned: AssignedTicket, opened: Opened
) -> None:
    first = trial(opened, "T-001", 0)
    assert "could not read" not in report(office.ledger, assigned)
    assert first.result is not None
    result = first.result.model_copy(update={"unread": 7})
    trial(opened, "T-001", 1, result=result)
    assert "The logs of 1 runs held 7 lines" in report(office.ledger, assigned)


def test_incidents_merge_requests_and_costs_are_in_the_report(
    office: Office, assigned: AssignedTicket, opened: Opened
) -> None:
    best = trial(opened, "T-001", 1)
    merge_request(opened, assigned, best)
    office.ledger.incidents.put(
        Incident(
            id="T-001-I1",
            ticket="T-001",
            trial=best.id,
            kind="not_finite",
            evidence=(HOSTILE,),
            diagnosis="loss is nan",
            at_s=3,
            intervention=Intervention(
                action="restart_lower_rate", because="often cured", by="rule", helped=True
            ),
        ),
        actor="log_monitor",
    )
    office.change_budget("T-001", "ada", {"usd_per_hour": 2.0})
    text = report(office.ledger, office.ledger.tickets.get("T-001"))
    told = "| T-001-001 | not finite after 3 s | loss is nan | restart lower rate (rule) | yes |"
    assert told in text
    assert "## Merge request T-001-MR0: open, improves" in text
    assert "| cost, USD |  | 0.02 |  |" in text


def test_export_brings_the_winner(
    office: Office, assigned: AssignedTicket, opened: Opened, tmp_path: Path
) -> None:
    best = trial(opened, "T-001", 1)
    merge_request(opened, assigned, best)
    outputs = office.home.outputs("T-001", best.id)
    (outputs / "checkpoints").mkdir(parents=True)
    (outputs / "checkpoints" / "last.npz").write_bytes(b"weights")
    done = keeping.export(office, "T-001", tmp_path / "out")
    assert done.winner == best.id
    assert (tmp_path / "out/winner" / best.id / "checkpoints/last.npz").read_bytes() == b"weights"
    assert (tmp_path / "out/T-001-MR0.md").read_text() == "0.9100"


def test_clean_keeps_what_evidence_rests_on(
    office: Office, assigned: AssignedTicket, opened: Opened, clock: HandClock
) -> None:
    for number in (1, 2):
        outputs = office.home.outputs("T-001", trial(opened, "T-001", number).id)
        outputs.mkdir(parents=True)
        (outputs / "model.npz").write_bytes(b"x" * 1000)
    merge_request(opened, assigned, office.ledger.trials.get("T-001-001"))
    assert keeping.clean(office, days=0).removed == ()
    _ended(office, "done")
    assert keeping.clean(office).removed == ()
    clock.pass_(days=31)
    trial_run = keeping.clean(office, dry_run=True)
    assert trial_run.removed == ("outputs/T-001/T-001-002",)
    assert office.home.outputs("T-001", "T-001-002").exists()
    assert keeping.clean(office).freed_bytes == 1000
    assert not office.home.outputs("T-001", "T-001-002").exists()
    assert office.home.outputs("T-001", "T-001-001").exists()


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_clean_leaves_what_a_retry_goes_on_from(
    office: Office, assigned: AssignedTicket, opened: Opened, clock: HandClock, status: str
) -> None:
    office.home.outputs("T-001", trial(opened, "T-001", 1).id).mkdir(parents=True)
    office.home.artefacts("T-001").mkdir(parents=True)
    _ended(office, status)
    clock.pass_(days=31)
    left = keeping.clean(office)
    assert left.removed == ()
    assert "tickets that can be retried" in left.kept_because
    gone = keeping.clean(office, given_up=True)
    assert gone.removed == ("outputs/T-001/T-001-001", "artefacts/T-001")
    assert "retried" not in gone.kept_because


def test_clean_leaves_a_failed_ticket_s_merge_request_whole(
    office: Office, assigned: AssignedTicket, opened: Opened, clock: HandClock
) -> None:
    best = trial(opened, "T-001", 1)
    merge_request(opened, assigned, best)
    office.home.outputs("T-001", best.id).mkdir(parents=True)
    office.home.artefacts("T-001").mkdir(parents=True)
    _ended(office, "failed")
    clock.pass_(days=31)
    assert keeping.clean(office, given_up=True).removed == ()


def test_clean_counts_no_days_that_no_calendar_has(office: Office) -> None:
    with pytest.raises(InputError, match="800000 days are too many"):
        keeping.clean(office, days=800_000)


def _ended(office: Office, status: str) -> None:
    ended = office.ledger.tickets.get("T-001").model_copy(update={"status": status})
    office.ledger.tickets.put(ended, actor="coordinator")


def test_the_board_tells_once_and_in_words(
    office: Office, assigned: AssignedTicket, opened: Opened, clock: HandClock
) -> None:
    board = Board(office.ledger, clock, ["T-001"])
    assert board.poll() == []
    _finding(office)
    running = trial(opened, "T-001", 3, status="running", score=None, result=None)
    plan_gate(opened, "T-001")
    said = "\n".join(board.poll())
    assert "The literature is reviewed: 1 findings" in said
    assert "T-001-003 (search, lr=0.1) runs" in said
    assert "A person is asked" in said
    assert board.poll() == []
    board = Board(office.ledger, clock, ["T-001"], replay=True, readings=lambda: {running.id: 0.75})
    board.poll()
    out = io.StringIO()
    Console(file=out, width=140, markup=False).print(board.render())
    assert "1/10 runs" in out.getvalue()
    assert "0.75 (reported)" in out.getvalue()
    assert "labcrew decide T-001-plan-r0.0 accept|edit|respond|ignore" in out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
async def test_work_is_shown_while_it_goes_on(
    office: Office, assigned: AssignedTicket, opened: Opened, clock: HandClock, terminal: bool
) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, markup=False)

    async def work() -> str:
        trial(opened, "T-001", 1)
        await asyncio.sleep(0.6)
        return "ended"

    assert await alongside(work(), Board(opened.ledger, clock, ["T-001"]), console) == "ended"
    assert "T-001-001" in out.getvalue()


async def test_errors_of_the_work_come_through(opened: Opened, clock: HandClock) -> None:
    async def work() -> None:
        raise LabcrewError("the engine is gone")

    with pytest.raises(LabcrewError, match="the engine is gone"):
        await alongside(work(), Board(opened.ledger, clock), Console(file=io.StringIO()))


class Mover:
    """A worker that lets each ticket wait at its plan gate, then end."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.ledger: Ledger = opened.ledger
        self.moved: list[str] = []

    async def advance(self, ticket: str) -> AssignedTicket:
        self.moved.append(ticket)
        assigned = self.ledger.tickets.get(ticket)
        if self.ledger.gates.find(f"{ticket}-plan-r0.0") is None:
            plan_gate(self.opened, ticket, expires_at=None)
            status = "waiting"
        elif self.ledger.decisions.find(f"{ticket}-plan-r0.0") is None:
            raise LabcrewError("asked again without a decision")
        else:
            status = "done"
        changed = assigned.model_copy(update={"status": status})
        self.ledger.tickets.put(changed, actor="worker")
        return changed


async def test_a_shift_moves_what_can_move_and_picks_up_decisions(
    office: Office, toy: Path, opened: Opened
) -> None:
    for _ in range(3):
        office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    mover, said = Mover(opened), list[str]()
    shift = Shift(office, mover, at_once=2, say=said.append)
    await asyncio.wait_for(shift.run(until_idle=True), 120)
    assert sorted(mover.moved) == ["T-001", "T-002", "T-003"]
    office.decide("T-002", "accept", "ada")
    office.stop("T-003", "ada")
    await asyncio.wait_for(shift.run(until_idle=True), 120)
    assert mover.moved[3:] == ["T-002"]
    assert office.ledger.tickets.get("T-002").status == "done"
    assert said == []
