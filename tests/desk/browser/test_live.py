"""Open pages follow the ledger, and say when they can't."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from desk.web.app import create_app
from desk.web.lab import Lab
from desk.web.serving import Server, listen
from desk.wiring import Opened
from labcrew.domain.experiment import MetricPoint
from tests.desk.board.filled import fill
from tests.desk.browser.conftest import Board, SignedIn
from tests.desk.records import score, trial
from tests.desk.web.clients import lab_at
from tools.live_numbers import show_numbers


def test_a_ticket_changes_without_a_reload(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.goto("/tickets/T-001")
    page.evaluate("window.same = true")
    expect(page.locator("#head .badge").first).to_have_text("running")
    board.opened.office().pause("T-001", "bo")
    expect(page.locator("#head .badge").first).to_have_text("paused", timeout=60_000)
    expect(page.locator("#now")).to_contain_text("bo paused the ticket")
    marks = page.locator("#now svg.plot circle").count()
    trial(board.opened, "T-001", 4, score=score("T-001-004", 0.99))
    expect(page.locator("#now svg.plot circle")).to_have_count(marks + 1)
    assert page.evaluate("window.same") is True


def test_what_a_reader_opened_stays_open(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.goto("/tickets/T-001/incidents")
    page.get_by_text("Lines that show it").click()
    board.opened.office().pause("T-001", "bo")
    expect(page.locator("#head .badge").first).to_have_text("paused")
    expect(page.locator("#incidents details pre")).to_be_visible()


def test_paused_and_resumed_by_buttons(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in("researcher")
    page.goto("/tickets/T-001")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator("#head .badge").first).to_have_text("stopped")
    page.get_by_text("Change the budget").click()
    page.get_by_label("Runs", exact=True).fill("500")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="approver")).to_be_visible()
    assert board.opened.ledger.tickets.get("T-001").budget.trials == 10


@contextmanager
def _serving(lab: Lab, port: int) -> Iterator[str]:
    with listen(port) as listening:
        server = Server(create_app(lab), lab)
        thread = threading.Thread(target=lambda: asyncio.run(server.run_on(listening)))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(20)


def test_the_board_goes_away_and_comes_back(browser: Browser, opened: Opened, board: Board) -> None:
    fill(opened, board.toy)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lab = lab_at(opened)
    token = lab.access.add("cy", "viewer")
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}")
    page: Page = context.new_page()
    with _serving(lab, port):
        page.goto("/sign-in")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/tickets")
        page.goto("/tickets/T-001")
        expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#offline")).to_contain_text("can't be reached")
    opened.office().pause("T-001", "bo")  # nobody hears it
    expect(page.locator("#head .badge").first).to_have_text("running")
    with _serving(lab_at(opened), port):
        expect(page.locator("#head .badge").first).to_have_text("paused", timeout=60_000)
        expect(page.locator("#offline")).to_contain_text("up to date")
        expect(page.locator("#offline")).to_be_hidden(timeout=60_000)
        context.close()


def test_the_computer_goes_offline_and_back(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.goto("/tickets/T-001")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_contain_text("offline")
    with page.expect_event("requestfailed", lambda request: "/api/v1/events" in request.url):
        page.evaluate("dispatchEvent(new Event('online'))")  # too early: the stream breaks anew
    expect(page.locator("#offline")).to_contain_text("offline")
    board.opened.office().pause("T-001", "bo")
    page.context.set_offline(False)
    expect(page.locator("#head .badge").first).to_have_text("paused")
    expect(page.locator("#offline")).to_be_hidden(timeout=60_000)


def test_curves_grow_while_a_run_prints(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    running = board.opened.ledger.trials.get("T-001-003")
    page = signed_in()
    page.goto("/tickets/T-001/trials/T-001-003")
    expect(page.locator("#trial")).to_contain_text("no numbers that could be read so far")
    for upto in (3, 12):
        points = [MetricPoint(name="loss", step=n, value=1 / (n + 1)) for n in range(upto)]
        show_numbers(board.opened.home, running, points)
        line = page.locator("#trial svg.plot polyline")
        expect(line).to_have_attribute("points", re.compile(rf"^(\S+ ){{{upto - 1}}}\S+$"))
