"""The crew at work in a real browser: live, for eyes and ears, still for whom motion disturbs."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.desk import records
from tests.desk.board.reviewed import reviewed
from tests.desk.browser.conftest import Board, SignedIn
from tests.desk.views.test_room import at_work, tool


def test_a_turn_passes_on_while_one_looks(board: Board, signed_in: SignedIn) -> None:
    ticket = at_work(board.opened, board.toy)
    tool(board.opened, ticket.id, "data_pipeline", "profile_data")
    page = signed_in("viewer")
    page.goto("/crew")
    expect(page.locator("#desk-data_pipeline")).to_have_class(re.compile("is-working"))
    tool(board.opened, ticket.id, "coordinator", "survey_repository")
    expect(page.locator("#desk-coordinator")).to_have_class(re.compile("is-working"))
    expect(page.locator("#desk-data_pipeline")).to_have_class(re.compile("is-resting"))
    summary = page.locator("#room-summary")
    expect(summary).to_have_text("At work: Coordinator on T-001.")
    expect(summary).to_have_attribute("aria-live", "polite")
    # One line, with the dot that travels along it.
    expect(page.locator(".room-lines .is-now circle")).to_have_count(1)
    records.plan_gate(board.opened, ticket.id)
    expect(page.locator(".people-gates a")).to_have_text("plan: T-001")
    expect(page.locator(".room-lines .is-asked circle")).to_have_count(1)


def test_less_motion_is_a_still_arrow(board: Board, signed_in: SignedIn) -> None:
    ticket = at_work(board.opened, board.toy)
    for actor, name in (("literature_review", "read_library"), ("data_pipeline", "profile_data")):
        tool(board.opened, ticket.id, actor, name)
    page = signed_in("viewer", reduced_motion="reduce")
    page.goto("/crew")
    expect(page.locator(".room-lines .is-now .arrow")).to_be_visible()
    expect(page.locator(".room-lines circle")).to_be_hidden()


def test_a_room_of_one_ticket_by_keyboard(board: Board, signed_in: SignedIn) -> None:
    for _ in range(2):
        at_work(board.opened, board.toy)
    tool(board.opened, "T-001", "coordinator", "survey_repository")
    tool(board.opened, "T-002", "data_pipeline", "profile_data")
    page = signed_in("viewer")
    page.goto("/crew")
    page.get_by_role("link", name="T-002 running").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/crew?ticket=T-002")
    expect(page.locator(".desk.is-working h2")).to_have_text(["Data pipeline"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_assistive_technology(
    board: Board, signed_in: SignedIn, scheme: str
) -> None:
    ticket, request = reviewed(board.opened, board.toy, {"train.py": b"print(1)\n"})
    running = ticket.model_copy(update={"status": "running"})
    board.opened.ledger.tickets.put(running, actor="worker")
    board.opened.ledger.acquire(ticket.id, "worker-1", 60)
    records.trial(board.opened, ticket.id, 2, status="running", score=None, result=None)
    tool(board.opened, ticket.id, "log_monitor", "read_log")
    page = signed_in(color_scheme=scheme)
    for address in (
        *("/crew", "/merge-requests", f"/merge-requests/{request.id}", "/memory"),
        *("/memory?scope=trials", "/report", "/settings"),
    ):
        page.goto(address)
        _settled(page)
        found = Axe().run(page).response["violations"]
        serious = [
            (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0].get("failureSummary"))
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], address


def _settled(page: Page) -> None:
    for file in page.locator("details.file").all():
        file.scroll_into_view_if_needed()
    expect(page.get_by_text(re.compile(r"^(Loading|Counting|Asking) …$"))).to_have_count(0)
