"""What an agent may use stands beside what it used, wherever that is shown."""

from dataclasses import replace
from pathlib import Path

from desk.cli.showing import budget_line
from desk.front.here import Here
from desk.wiring import Opened
from labcrew.settings import Settings
from tests.desk.board.filled import fill
from tests.desk.web.clients import client_of, lab_at
from tests.labcrew.test_spending import would_use

API = "/api/v1"


def bounded(opened: Opened, toy: Path) -> Opened:
    """A full home whose settings bound an agent that asked a model."""
    fill(opened, toy)
    asked = would_use("merge_request", 1000, 50)
    known = {"id": "T-001-call-2", "usd": 0.25, "duration_s": 2.0, "outcome": "answered"}
    opened.ledger.model_calls.put(asked.model_copy(update=known), actor="merge_request")
    limits = {"tokens": 4000, "usd": 2.5, "seconds": 90}
    return replace(opened, settings=Settings(spending={"merge_request": limits}))


def test_on_the_command_line(opened: Opened, toy: Path) -> None:
    line = budget_line(Here(bounded(opened, toy), "ada", print).costs("T-001"))
    assert "merge_request 1,050 of 4,000 and 0.2500 of 2.5 USD and 2 of 90 s" in line


def test_on_the_board_and_by_the_api(opened: Opened, toy: Path) -> None:
    client = client_of(lab_at(bounded(opened, toy)))
    page = client.get("/tickets/T-001/models").text
    for said in ("Its tokens", "of 4,000", "Its money", "of $2.50", "Its waiting", "of 1 min"):
        assert said in page, said
    costs = client.get(f"{API}/tickets/T-001/costs").json()
    assert costs["limits"] == {"merge_request": {"tokens": 4000, "usd": 2.5, "seconds": 90.0}}
