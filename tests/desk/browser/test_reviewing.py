"""A review in a real browser: comments on lines, verification, the decision, one column or two."""

from playwright.sync_api import Page, expect

from labcrew.domain.review import MergeRequest
from tests.desk import records
from tests.desk.board.reviewed import reviewed
from tests.desk.browser.conftest import Board, SignedIn

NEW = "print('hullo')\n" + "".join(f"line_{number} = {number}\n" for number in range(2, 21))


def opened_review(board: Board) -> MergeRequest:
    _, request = reviewed(
        board.opened, board.toy, {"train.py": NEW.encode(), "notes.txt": b"a\n" * 300}
    )
    return request


def see(page: Page, request: MergeRequest) -> None:
    page.goto(f"/merge-requests/{request.id}")
    page.locator("#changes").scroll_into_view_if_needed()
    expect(page.locator("table.diff[data-path='train.py']")).to_be_visible()


def test_a_comment_on_a_line_by_mouse(board: Board, signed_in: SignedIn) -> None:
    request = opened_review(board)
    page = signed_in("researcher", "bob")
    see(page, request)
    page.get_by_role("button", name="Comment on line 10", exact=True).click()
    page.get_by_label("Comment on line 10 of train.py").fill("Why ten?")
    page.locator("form.remark-form").get_by_role("button", name="Comment").click()
    expect(page.locator("table.diff .remark")).to_contain_text("Why ten?")
    expect(page.locator("#thread .remark")).to_contain_text("train.py:10")
    (comment,) = board.opened.ledger.comments.of(request.ticket)
    assert (comment.path, comment.line, comment.text, comment.by) == (
        *("train.py", 10, "Why ten?", "bob"),
    )


def test_a_comment_on_a_line_by_keyboard(board: Board, signed_in: SignedIn) -> None:
    request = opened_review(board)
    page = signed_in("researcher")
    see(page, request)
    # A file is one stop; the arrows move among its lines.
    first = page.locator("table.diff[data-path='train.py'] button.line-number").first
    first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    text = page.locator("form.remark-form textarea")
    expect(text).to_be_focused()
    page.keyboard.press("Escape")
    expect(text).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.type("By hand")
    page.keyboard.press("Control+Enter")
    expect(page.locator("table.diff .remark")).to_contain_text("By hand")
    (comment,) = board.opened.ledger.comments.of(request.ticket)
    assert comment.line == int(first.get_attribute("data-line") or 0) + 3


def test_sent_back_and_approved(board: Board, signed_in: SignedIn) -> None:
    request = opened_review(board)
    gate = board.opened.ledger.gates.of(request.ticket)[-1]
    page = signed_in("approver", "grace")
    see(page, request)
    page.get_by_role("button", name="Send back").click()
    expect(page.locator("form[aria-label^='Decide'] [role=alert]")).not_to_be_empty()
    assert board.opened.ledger.decisions.find(gate.id) is None
    page.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Approve {request.id}?")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.locator("#review-state")).to_contain_text("grace decided: approved")
    decision = board.opened.ledger.decisions.get(gate.id)
    assert (decision.kind, decision.by, decision.payload_hash) == (
        *("accept", "grace", gate.payload_hash),
    )


def test_a_stale_page_decides_nothing(board: Board, signed_in: SignedIn) -> None:
    request = opened_review(board)
    page = signed_in()
    see(page, request)
    gate = board.opened.ledger.gates.of(request.ticket)[-1]
    records.plan_gate(
        board.opened,
        request.ticket,
        id=gate.id,
        kind="merge",
        shown={"merge_request": request.id, "commit": "f" * 40},
        allowed=gate.allowed,
        expires_at=None,
    )
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.locator("form[aria-label^='Decide'] [role=alert]")).not_to_be_empty()
    assert board.opened.ledger.decisions.find(gate.id) is None


def test_verification_tells_what_it_found(board: Board, signed_in: SignedIn) -> None:
    request = opened_review(board)
    page = signed_in("researcher")
    see(page, request)
    told = page.locator("#verification")
    answers: list[dict[str, object]] = [
        {"merge_request": request.id, "checked": 1, "tests": 0, "problems": [], "rerun": ""},
        {"merge_request": request.id, "checked": 1, "problems": ["T-001-001: <b>gone</b>"]},
    ]
    page.route("**/verify", lambda route: route.fulfill(json=answers.pop(0)))
    page.get_by_role("button", name="Verify").click()
    expect(told).to_contain_text("It holds: 1 numbers were checked")
    page.get_by_role("button", name="Verify").click()
    expect(told).to_contain_text("It does not hold")
    expect(told).to_contain_text("T-001-001: <b>gone</b>")


def test_one_column_or_two(board: Board, signed_in: SignedIn) -> None:
    request = opened_review(board)
    page = signed_in("viewer")
    see(page, request)
    gone = page.locator("td.gone", has_text="print('hello')")
    come = page.locator("td.come", has_text="print('hullo')")

    def aside() -> bool:
        boxes = gone.bounding_box(), come.bounding_box()
        assert boxes[0] is not None
        assert boxes[1] is not None
        return abs(boxes[0]["y"] - boxes[1]["y"]) < 2

    assert aside()
    expect(come.locator(".word")).to_have_text("hullo")
    page.get_by_role("button", name="Show in one column").click()
    assert not aside()
    page.get_by_role("button", name="Show side by side").click()
    assert aside()
    page.set_viewport_size({"width": 390, "height": 800})
    assert not aside()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    # A large file is fetched when it is opened.
    notes = page.locator("details.file", has_text="notes.txt")
    expect(notes.locator("table.diff")).to_have_count(0)
    notes.locator("summary").click()
    expect(notes.locator("table.diff")).to_be_visible()
