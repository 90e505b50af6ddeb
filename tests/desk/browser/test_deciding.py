"""Gates are decided by mouse and by keyboard, once, and on what was shown."""

import re

from playwright.sync_api import expect

from tests.desk.board.filled import fill
from tests.desk.browser.conftest import Board, SignedIn
from tests.desk.records import plan_gate

GATE = "T-001-plan-r0.0"


def test_a_plan_is_accepted_with_changes_by_mouse(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.get_by_role("link", name=re.compile("Inbox")).click()
    expect(page.locator("#waiting")).to_contain_text("2")
    page.locator(f'#inbox a.button[href="/gates/{GATE}"]').click()
    page.get_by_text("Change it and accept").click()
    page.get_by_label("Runs", exact=True).fill("8")
    page.locator('[name="edits.drop_suggestions"]').check()
    page.get_by_text("rows would be taken out").click()
    page.locator('[name="edits.readmit"]').check()
    page.get_by_role("button", name="Accept with these changes").click()
    expect(page.locator("#gate")).to_contain_text("ada decided: edit")
    decision = board.opened.ledger.decisions.get(GATE)
    assert decision.by == "ada"
    assert decision.edits["budget"]["trials"] == 8
    assert decision.edits["drop_suggestions"] == [0]
    assert decision.edits["readmit"] == [["data/train.csv", 7]]
    assert decision.payload_hash == board.opened.ledger.gates.get(GATE).payload_hash
    expect(page.get_by_role("button", name="Accept", exact=True)).to_have_count(0)


def test_a_gate_is_decided_by_keyboard_alone(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/inbox")

    def tab_to(what: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("what => document.activeElement.matches(what)", what):
                return
        raise AssertionError(f"the keyboard does not reach {what}")

    page.keyboard.press("Tab")  # the first stop skips the navigation
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(f'h2 a[href="/gates/{GATE}"]')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/gates/{GATE}")
    tab_to("#comment")
    page.keyboard.type("Fewer runs, please.")
    tab_to('button[value="respond"]')
    page.keyboard.press("Enter")
    expect(page.locator("#gate")).to_contain_text("ada decided: respond")
    assert board.opened.ledger.decisions.get(GATE).comment == "Fewer runs, please."


def test_ignoring_asks_first_and_escape_is_a_no(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.goto(f"/gates/{GATE}")
    page.get_by_role("button", name="Ignore").click()
    expect(page.get_by_role("dialog")).to_contain_text("not carried out")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert board.opened.ledger.decisions.find(GATE) is None
    page.get_by_role("button", name="Ignore").click()
    page.get_by_role("dialog").get_by_role("button", name="Ignore").click()
    expect(page.locator("#gate")).to_contain_text("ada decided: ignore")


def test_two_people_decide_at_once(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.goto(f"/gates/{GATE}")
    page.get_by_label("Remark").first.fill("half written")
    board.opened.office().decide(GATE, "accept", "bo")
    expect(page.locator("#gate")).to_contain_text("bo decided: accept")
    expect(page.get_by_role("button", name="Accept", exact=True)).to_be_hidden()


def test_what_changed_after_it_was_shown_is_not_approved(board: Board, signed_in: SignedIn) -> None:
    fill(board.opened, board.toy)
    page = signed_in()
    page.route("**/api/v1/events*", lambda route: route.abort())  # a page that has gone stale
    page.goto(f"/gates/{GATE}")
    plan_gate(board.opened, "T-001", shown={"plan": {}, "budget": {"trials": 99}})
    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.locator(".decide [role=alert]").first).to_contain_text("something else now")
    assert board.opened.ledger.decisions.find(GATE) is None
