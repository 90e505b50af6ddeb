"""A loop is started by the form, and from a file."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.desk.browser.conftest import Board, SignedIn
from tests.graphs.evolution.lab import make_target

SPEC = """---
title: Better skill
repository: ./target
branch: main
editable: [agent.py]
program: {command: "python3 run.py {input} {output} {seed}"}
scorer: {command: "python3 scorer/score.py {runs} {scores}", private: [judge]}
cases: cases.jsonl
metric: {name: skill, low: 0, high: 1}
---

Which skill answers best?
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return make_target(tmp_path / "target")


def fill(page: Page, path: str, text: str) -> None:
    page.locator(f'[data-path="{path}"]').fill(text)


def test_a_loop_is_started_by_the_form(board: Board, signed_in: SignedIn, target: Path) -> None:
    page = signed_in("researcher")
    page.goto("/evolutions")
    page.get_by_role("link", name="Start a loop").click()
    expect(page.locator("#checked")).to_contain_text("still missing")
    fill(page, "title", 'Better skill: "5%" # not a comment')
    fill(page, "question", "Which skill answers best?")
    fill(page, "repository", str(target))
    fill(page, "branch", "main")
    fill(page, "editable", "agent.py")
    fill(page, "program.command", "python3 run.py {input} {output} {seed}")
    fill(page, "scorer.command", "python3 scorer/score.py {runs} {scores}")
    fill(page, "scorer.private", "scorer")
    fill(page, "cases", "cases.jsonl")
    fill(page, "metric.name", "skill")
    fill(page, "metric.low", "1")
    fill(page, "metric.high", "1")
    expect(page.locator("#problems")).to_contain_text("must be less than high")
    fill(page, "metric.low", "0")
    fill(page, "budget.rounds", "none")
    wrong = page.locator('[data-error-for="budget.rounds"]')
    fill(page, "budget.hours", "1")
    expect(wrong).not_to_be_empty()
    fill(page, "budget.rounds", "7")
    expect(wrong).to_be_empty()
    page.get_by_text("When a change is kept").click()
    page.get_by_label("Racing").uncheck()
    page.get_by_text("A language model for the program").click()
    fill(page, "program.model.calls", "4")
    expect(page.locator("#checked")).to_contain_text("Nothing is wrong")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#previewed")).to_contain_text("none is set")
    fill(page, "program.model.calls", "")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#previewed")).to_contain_text("4 analysis, 8 gate, 8 sealed, 1 canary")
    assert board.opened.ledger.evolutions.count() == 0
    page.get_by_label("Run it as").select_option("no_memory")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/evolutions/E-001")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Better skill")
    taken = board.opened.ledger.evolutions.get("E-001")
    assert (taken.started_by, taken.control) == ("ada", "no_memory")
    assert taken.spec.title == 'Better skill: "5%" # not a comment'
    assert taken.spec.question == "Which skill answers best?"
    assert taken.spec.program.model is None
    assert (taken.spec.budget.rounds, taken.spec.budget.hours) == (7, 1)
    assert taken.spec.keep.racing is False
    assert taken.spec.scorer.private == ("scorer",)


def test_a_file_is_uploaded_and_what_starting_refuses_is_told(
    board: Board, signed_in: SignedIn, target: Path
) -> None:
    page = signed_in("researcher")
    page.goto("/evolve")
    file = target.parent / "SPEC.md"
    file.write_text(SPEC.replace("low: 0", "low: zero"))
    page.get_by_label("Upload a spec file").set_input_files(file)
    expect(page.locator("#problems")).to_contain_text("line 9, metric.low")
    text = page.get_by_label("Spec file", exact=True)
    text.fill(SPEC)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("relative")
    page.get_by_label("Folder of a relative repository path").fill(str(target.parent))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("no file of the commit is judge")
    assert board.opened.ledger.evolutions.count() == 0
    text.fill(SPEC.replace("[judge]", "[scorer]"))
    page.get_by_role("button", name="Start", exact=True).dblclick()
    page.wait_for_url("**/evolutions/E-001")
    assert board.opened.ledger.evolutions.count() == 1
    page.get_by_role("link", name="Start one like it").click()
    page.wait_for_url("**/evolve?like=E-001")
    expect(page.locator("#checked")).to_contain_text("Nothing is wrong")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_form_fits_its_window(
    board: Board, signed_in: SignedIn, theme: str, width: int, tmp_path: Path
) -> None:
    page = signed_in("researcher", viewport={"width": width, "height": 900}, color_scheme=theme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/evolve")
    page.locator("#checked").filter(has_text="still missing").wait_for()
    for one in page.locator("details.fold > summary").all():
        one.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture = tmp_path / f"evolve-{width}-{theme}.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 8_000
    assert all(url.startswith(board.address) for url in asked)
