"""Talking to the coordinator in a real browser: by keyboard, with a card, in two windows."""

from playwright.sync_api import Page, expect

from evals.chat.home import fill
from tests.desk.browser.conftest import Board, SignedIn


def say(page: Page, text: str, number: int) -> None:
    page.get_by_label("Message to the coordinator").fill(text)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#message-{number}", timeout=60_000)


def test_a_question_and_its_source(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened)
    page = signed_in()
    page.goto("/chat")
    say(page, "why did trial 4 of T-001 fail?", 2)
    log = page.get_by_role("log")
    expect(log).to_contain_text("the program ended with exit code 1")
    log.get_by_role("link", name="T-001-004").first.click()
    page.wait_for_url("**/tickets/T-001/timeline?before=*")
    expect(page.locator("#main")).to_contain_text("T-001-004")


def test_a_card_is_confirmed_in_one_of_two_windows(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened)
    page = signed_in()
    page.goto("/chat")
    say(page, "pause T-002", 2)
    other = page.context.new_page()
    other.goto(page.url)
    card = other.get_by_role("form", name="pause: to be confirmed")
    expect(card).to_contain_text("Pause T-002")
    other.close()
    page.get_by_role("button", name="Yes, do this").click()
    expect(page.get_by_role("log")).to_contain_text("Done: T-002 is paused.")
    expect(page.get_by_role("button", name="Yes, do this")).to_have_count(0)
    assert board.opened.ledger.tickets.get("T-002").status == "paused"
    assert board.opened.ledger.events.count("T-002", "ticket.paused") == 1


def test_what_another_window_says_appears(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened)
    page = signed_in()
    page.goto("/chat")
    say(page, "how is T-002?", 2)
    other = page.context.new_page()
    other.set_default_timeout(15_000)
    other.goto(page.url)
    say(other, "stop T-002", 4)
    page.bring_to_front()
    expect(page.locator("#message-4")).to_contain_text("Shall I do this?")
    assert board.opened.ledger.tickets.get("T-002").status == "running"
