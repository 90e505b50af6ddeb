"""What axe-core says of the pages, light and dark; a narrow screen has no sideways scrolling."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.desk.board.filled import fill
from tests.desk.browser.conftest import Board, SignedIn

PAGES = (
    *("/tickets", "/tickets/T-001", "/tickets/T-001/timeline", "/tickets/T-001/plan"),
    *("/tickets/T-001/literature", "/tickets/T-001/data", "/tickets/T-001/trials"),
    *("/tickets/T-001/trials/T-001-001", "/tickets/T-001/incidents", "/tickets/T-001/code"),
    *("/tickets/T-001/models", "/tickets/T-001/ticket", "/inbox", "/gates/T-001-plan-r0.0"),
    "/assign",
)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_no_serious_violation(board: Board, signed_in: SignedIn, colours: str) -> None:
    fill(board.opened, board.toy)
    page = signed_in(color_scheme=colours)
    axe = Axe()
    found = []
    for path in PAGES:
        page.goto(path)
        for fold in page.locator("details:not([open]) > summary").all():
            if fold.is_visible():
                fold.click()
        for one in axe.run(page).response["violations"]:
            if one["impact"] in ("serious", "critical"):
                where = [node["target"] for node in one["nodes"]][:4]
                found.append(f"{path}: {one['id']}: {one['help']} {where}")
    assert found == []


@pytest.mark.parametrize("width", [360, 390, 768, 1024])
def test_nothing_scrolls_sideways(board: Board, signed_in: SignedIn, width: int) -> None:
    fill(board.opened, board.toy, "averyveryverylongword" * 12 + " and more")
    page = signed_in(viewport={"width": width, "height": 800})
    for path in PAGES:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"


def test_the_menu_of_a_narrow_screen(board: Board, signed_in: SignedIn) -> None:
    page = signed_in(viewport={"width": 360, "height": 740})
    page.get_by_text("More", exact=True).click()
    assert page.locator(".more").get_by_role("link", name="Settings").is_visible()
    page.locator("#main").click(position={"x": 5, "y": 5})
    assert not page.locator(".more").get_by_role("link", name="Settings").is_visible()


def test_colours_are_chosen_and_kept(board: Board, signed_in: SignedIn) -> None:
    page = signed_in(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    switch = page.get_by_role("button", name="Colours")
    switch.click()
    switch.click()
    dark = page.evaluate(ground)
    assert dark != light
    page.goto("/inbox")
    assert page.evaluate(ground) == dark
