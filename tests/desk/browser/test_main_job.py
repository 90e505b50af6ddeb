"""The whole main job in a browser, on a real engine: assigned, approved, watched, reviewed, sent
back, seen revised, approved, merged.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.desk.browser.conftest import tab_to
from tests.graphs.tiny import make_tiny, make_tracking
from tests.sandboxes.fixtures import UserFolder

pytestmark = pytest.mark.engine
KEPT = Path(__file__).parents[3] / "docs" / "screenshots"
SLOW_MS = 240_000
"""What the crew may take for a move, on a machine that others use too."""


@pytest.fixture
def user(tmp_path: Path) -> UserFolder:
    return make_tiny(tmp_path / "tiny")


@pytest.fixture
def sign_in(tmp_path: Path) -> Iterator[str]:
    """The one-time address that `labcrew board` prints at its first start, while it is at work."""
    home = tmp_path / "home"
    home.mkdir()
    make_tracking(tmp_path / "mlflow.db")
    command = [
        str(Path(sys.executable).parent / "labcrew"),
        *("board", "--port", "0", "--home", str(home), "--json"),
    ]
    variables = {
        **os.environ,
        "LABCREW_USER": "ada",
        "LABCREW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
        "LABCREW_TICK_S": "0.5",
    }
    board = subprocess.Popen(command, stdout=subprocess.PIPE, env=variables, text=True)
    assert board.stdout is not None
    said = ""
    while not said.rstrip().endswith("}"):
        line = board.stdout.readline()
        assert line, f"the board ended with {board.wait(10)}"
        said += line
    yield json.loads(said)["sign_in"]
    board.send_signal(signal.SIGINT)
    with board.stdout:
        assert board.wait(60) == 0
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def page(browser: Browser, sign_in: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(sign_in)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tickets")
    yield page
    context.close()


def test_from_assignment_to_merge(page: Page, user: UserFolder) -> None:
    assign(page, user)

    # The plan comes to the open page by itself; it is accepted by keyboard.
    asked = page.get_by_role("main").get_by_role("link", name="Decide").first
    expect(asked).to_be_visible(timeout=SLOW_MS)
    asked.click()
    page.wait_for_url("**/gates/T-001-plan-r0.0")
    tab_to(page, 'button[value="accept"]')
    page.keyboard.press("Enter")
    expect(page.locator("#gate")).to_contain_text("ada decided: accept")

    page.goto(address(page, "/tickets/T-001"))
    expect(page.locator("svg.plot circle").first).to_be_visible(timeout=SLOW_MS)
    review(page, 0)
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#evidence")).to_contain_text("holds", timeout=SLOW_MS)
    remark_on_a_line(page, "What about x = 0.7?")
    expect(page.get_by_role("link", name="Discussion 1")).to_be_visible()
    keep(page, "merge-request")
    page.get_by_label("Why, or what should change").fill("See my question on the line.")
    page.get_by_role("button", name="Send back").click()
    expect(page.locator("#review-state")).to_contain_text("ada decided: sent back")

    # A revision has a plan of its own, with what was asked for in it.
    page.goto(address(page, "/inbox"))
    again = page.locator('#inbox a.button[href="/gates/T-001-plan-r1.0"]')
    expect(again).to_be_visible(timeout=SLOW_MS)
    again.click()
    expect(page.get_by_role("main")).to_contain_text("0.7")
    page.get_by_text("Change it and accept").click()
    page.get_by_label("Runs", exact=True).fill("6")  # the first revision used up what there was
    page.get_by_role("button", name="Accept with these changes").click()
    expect(page.locator("#gate")).to_contain_text("ada decided: edit")

    review(page, 1)
    expect(page.locator("#description")).to_contain_text("What about x = 0.7?")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.locator("#review-state")).to_contain_text("ada decided: approved")
    page.goto(address(page, "/tickets/T-001"))
    expect(page.locator("#head .badge").first).to_have_text("done", timeout=SLOW_MS)
    expect(page.locator("#head")).to_contain_text("merged")
    assert user.git("rev-parse", "main") == user.git("rev-parse", "labcrew/T-001-r1")
    assert user.git("status", "--porcelain") == ""


def keep(page: Page, name: str) -> None:
    """Keeps pictures of the whole page in docs/screenshots, where LABCREW_SCREENSHOTS asks."""
    if os.environ.get("LABCREW_SCREENSHOTS"):
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.evaluate("window.scrollTo(0, 0)")
            page.screenshot(path=KEPT / f"{name}-wide-{theme}.png", full_page=True)


def address(page: Page, path: str) -> str:
    """A page of the board that is open."""
    return "/".join(page.url.split("/")[:3]) + path


def assign(page: Page, user: UserFolder) -> None:
    page.get_by_role("link", name="Assign a ticket").click()

    def fill(path: str, text: str) -> None:
        page.locator(f'[data-path="{path}"]').fill(text)

    fill("title", "A better x")
    fill("question", "Which x gives the best score?")
    fill("repository", str(user.path))
    fill("branch", "main")
    fill("metric.name", "score")
    fill("run.command", "python3 train.py {settings} --seed {seed} --outputs {outputs}")
    fill("budget.trials", "5")
    fill("budget.memory_mb", "128")
    page.get_by_role("button", name="Add a parameter").click()
    row = page.get_by_role("group", name="Parameter 1")
    row.get_by_label("Name", exact=True).fill("x")
    row.get_by_label("Low").fill("0")
    row.get_by_label("High").fill("1")
    page.get_by_text("How settings reach the program").click()
    fill("settings.file", "train.py")
    page.locator("#s-evaluator summary").click()
    fill("evaluator.command", "python3 evaluate.py {outputs} {split}")
    page.locator("#s-more summary").click()
    fill("seeds", "0, 1")
    fill("editable", "train.py")
    page.locator("#s-literature summary").click()
    page.locator('[data-path="literature.online"]').uncheck()
    expect(page.locator("#checked")).to_contain_text("Nothing is wrong")
    page.get_by_role("button", name="Assign", exact=True).click()
    page.wait_for_url("**/tickets/T-001")


def review(page: Page, revision: int) -> None:
    """Waits for a revision's merge request, and opens it."""
    page.goto(address(page, "/tickets/T-001"))
    link = page.get_by_role("main").get_by_role("link", name=f"T-001-MR{revision}").first
    expect(link).to_be_visible(timeout=SLOW_MS)
    gate = page.get_by_role("main").get_by_role("link", name="Decide").first
    expect(gate).to_be_visible(timeout=SLOW_MS)
    page.goto(address(page, f"/merge-requests/T-001-MR{revision}"))


def remark_on_a_line(page: Page, text: str) -> None:
    page.locator("#changes").scroll_into_view_if_needed()
    line = page.locator("table.diff[data-path='train.py'] button.line-number").first
    line.click()
    page.locator("form.remark-form textarea").fill(text)
    page.keyboard.press("Control+Enter")
    expect(page.locator("table.diff .remark")).to_contain_text(text)
