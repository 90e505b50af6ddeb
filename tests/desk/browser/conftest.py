"""A real browser before a real board: Debian's Chromium, a server process's sockets, one home."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from desk.web.access import Role
from desk.web.lab import Lab
from desk.wiring import Opened
from tests.desk.web.clients import lab_at
from tests.desk.web.served import served

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser's program; the test fails where there is none."""
    for name in _NAMES:
        if (found := shutil.which(name)) is not None:
            return found
    pytest.fail("No Chromium is installed here: `apt-get install chromium` and run this again.")


# Not for the whole session: while it lasts this thread has a running event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@dataclass
class Board:
    """A board that is served, and the lab behind it."""

    address: str
    lab: Lab
    opened: Opened
    toy: Path


@pytest.fixture
def board(opened: Opened, toy: Path) -> Iterator[Board]:
    lab = lab_at(opened)
    with served(lab) as address:
        yield Board(address, lab, opened, toy)


SignedIn = Callable[..., Page]


@pytest.fixture
def signed_in(browser: Browser, board: Board) -> Iterator[SignedIn]:
    """Makes a page of someone who has signed in; errors of its scripts fail the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def enter(role: Role = "approver", name: str = "ada", **options: Any) -> Page:
        context = browser.new_context(base_url=board.address, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                errors.append(said.text) if "Content Security Policy" in said.text else None
            ),
        )
        page.goto("/sign-in")
        page.get_by_label("Token").fill(board.lab.access.add(name, role))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/tickets")
        return page

    yield enter
    for context in contexts:
        context.close()
    assert errors == []


def tab_to(page: Page, what: str) -> None:
    """Moves the focus by the Tab key to what a selector names."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"the keyboard does not reach {what}")
