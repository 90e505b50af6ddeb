"""Who may enter, and lists in pages."""

from pathlib import Path

from desk.wiring import Opened
from labcrew.ticket_file import read_ticket
from tests.desk.web.clients import client_of, lab_at


def test_nobody_enters_without_a_token(opened: Opened) -> None:
    lab = lab_at(opened)
    assert client_of(lab, None).get("/api/v1/tickets").status_code == 401
    refused = client_of(lab, None).get("/api/v1/tickets", headers={"Authorization": "Bearer x"})
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"]


def test_tickets_in_pages(opened: Opened, toy: Path) -> None:
    lab = lab_at(opened)
    file = toy / "ticket.md"
    for _ in range(3):
        opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    client = client_of(lab, "viewer")
    first = client.get("/api/v1/tickets", params={"limit": 2}).json()
    assert [ticket["id"] for ticket in first["items"]] == ["T-003", "T-002"]
    rest = client.get("/api/v1/tickets", params={"limit": 2, "before": first["next"]}).json()
    assert ([ticket["id"] for ticket in rest["items"]], rest["next"]) == (["T-001"], None)
    assert client.get("/api/v1/tickets/T-009").status_code == 404
    assert "T-003" in client.get("/tickets").text


def test_the_api_describes_itself(opened: Opened) -> None:
    told = client_of(lab_at(opened), "viewer").get("/api/v1/openapi.json")
    assert told.status_code == 200
    assert "/api/v1/gates/{id}/decision" in told.json()["paths"]
