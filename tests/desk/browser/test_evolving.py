"""A loop's page in a browser: it keeps itself new, shows a change, and steers by keyboard."""

import asyncio
import threading
from pathlib import Path

import pytest

from tests.desk.browser.conftest import Board, SignedIn, tab_to
from tests.desk.evolved import evolved, evolver, started


def test_a_page_follows_a_loop_that_works(
    board: Board, signed_in: SignedIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(board.opened, tmp_path)
    page = signed_in()
    page.goto("/evolutions/E-001")
    page.get_by_text("No round yet.").wait_for()
    worker = evolver(board.opened, monkeypatch, yes=True)
    working = threading.Thread(target=lambda: asyncio.run(worker.advance("E-001")))
    working.start()
    page.locator("tr", has_text="skill 0.8").first.wait_for(timeout=60_000)
    page.get_by_text("Sealed result").wait_for(timeout=60_000)
    working.join(60)
    page.get_by_text("done: merged").wait_for()
    assert page.locator("svg.gain").count() >= 2


def test_a_kept_change_is_read_and_a_loop_stopped_by_keyboard(
    board: Board, signed_in: SignedIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evolved(board.opened, tmp_path, monkeypatch)
    page = signed_in("researcher")
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/evolutions")
    page.get_by_role("link", name="Better skill").click()
    page.locator("#kept-3 > summary").click()
    page.locator("#change-3 td.come").wait_for()
    assert "SKILL = 0.9" in page.locator("#change-3").inner_text()
    page.locator("#note-4 > summary").click()
    assert page.get_by_text("Self-criticism:").first.is_visible()
    tab_to(page, "button.danger")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button").first.wait_for()
    page.keyboard.press("Escape")
    assert board.opened.ledger.evolutions.get("E-001").status == "waiting"
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("paused", exact=True).wait_for()
    page.get_by_role("button", name="Resume").wait_for()
    assert board.opened.ledger.evolutions.get("E-001").status == "paused"
    assert page.locator("#change-3").count() == 1
