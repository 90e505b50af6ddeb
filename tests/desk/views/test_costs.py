"""What stands beside a budget is what the budget counts, wherever it is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.budget_used import hours_run, spent
from desk.chat.answers.asking import Asked
from desk.chat.answers.spending import cost
from desk.chat.facts import unsupported
from desk.chat.slots import Slots
from desk.chat.telling import Teller
from desk.deliverables.drafting import document
from desk.report import report
from desk.views.costs import costs_of
from desk.views.recall import Recall
from desk.views.sheet import listed
from desk.views.ticket_list import ticket_list
from desk.wiring import Opened
from evals.chat.cases import eval_names
from labcrew.domain.ticket import AssignedTicket
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET, HandClock
from tests.desk.records import trial
from tests.doubles.embedder import WordEmbedder


@pytest.fixture
def two_side_by_side(opened: Opened, toy: Path) -> AssignedTicket:
    """A ticket with two runs that overlap, one to come, one left out and one lost."""
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    office.change_budget("T-001", "ada", {"parallel": 4, "hours": 3.0, "trials": 20})
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number in (1, 2):
        made = trial(opened, "T-001", number, started_at=began + timedelta(hours=number / 2))
        assert made.result is not None
        took = made.result.model_copy(update={"duration_s": 3600})
        opened.ledger.trials.put(made.model_copy(update={"result": took}), actor="log_monitor")
    for number, status in ((3, "planned"), (4, "skipped"), (5, "unknown")):
        trial(opened, "T-001", number, status=status, score=None, result=None)
    return office.ledger.tickets.get("T-001")


def test_every_row_beside_the_budget_says_the_same(
    opened: Opened, two_side_by_side: AssignedTicket
) -> None:
    ledger, ticket = opened.ledger, two_side_by_side
    costs = costs_of(ledger, ticket)
    trials = ledger.trials.of("T-001")
    assert costs.trials == spent(trials) == 4
    assert costs.hours == hours_run(trials, 4) == pytest.approx(1.5)
    assert costs.run_hours == pytest.approx(2)
    assert [row.runs for row in listed(ledger, [ticket])] == [4]
    assert [row.runs for row in ticket_list(ledger).rows] == [4]

    page = report(ledger, ticket)
    assert "4 of 20 runs used" in page
    assert "| runs |  | 4 | 20 |" in page
    assert "| hours of running |  | 1.50 | 3 |" in page
    told = next(s for s in document(ledger, ticket).sections if s.title == "What it cost")
    assert told.message.startswith("4 runs, 1.50 hours of running")


def test_chat_says_what_the_budget_counts(
    opened: Opened, clock: HandClock, two_side_by_side: AssignedTicket
) -> None:
    asked = Asked(
        tell=Teller(opened.ledger),
        slots=Slots(tickets=("T-001",)),
        known=eval_names(),
        now=clock.now(),
        recall=Recall(opened.ledger, WordEmbedder()),
        person="ada",
    )
    said = cost(asked).statements[0]
    assert "4 of 20 trials, and 1.50 hours of running time" in said.text
    assert unsupported(said, opened.ledger) == []
