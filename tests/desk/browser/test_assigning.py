"""A ticket is assigned by the form, and from a file."""

from playwright.sync_api import expect

from tests.desk.browser.conftest import Board, SignedIn
from tests.desk.conftest import TICKET


def test_a_ticket_is_assigned_by_the_form(board: Board, signed_in: SignedIn) -> None:
    page = signed_in("researcher")
    page.get_by_role("link", name="Assign a ticket").click()
    expect(page.locator("#checked")).to_contain_text("still missing")

    def fill(path: str, text: str) -> None:
        page.locator(f'[data-path="{path}"]').fill(text)

    fill("title", 'A better rate: "5%" # not a comment')
    fill("question", "Which learning rate is best?")
    fill("repository", str(board.toy / "toy"))
    fill("metric.name", "accuracy")
    fill("run.command", "python train.py {settings} --seed {seed} --outputs {outputs}")
    fill("budget.trials", "many")
    fill("budget.hours", "1")
    wrong = page.locator('[data-error-for="budget.trials"]')
    expect(wrong).not_to_be_empty()
    fill("budget.trials", "10")
    expect(wrong).to_be_empty()
    page.get_by_role("button", name="Add a parameter").click()
    row = page.get_by_role("group", name="Parameter 1")
    row.get_by_label("Name", exact=True).fill("lr")
    row.get_by_label("Low").fill("1")
    row.get_by_label("High").fill("0.001")
    expect(row.locator("[data-row-error]")).to_contain_text("below")
    row.get_by_label("Low").fill("0.001")
    row.get_by_label("High").fill("1")
    row.get_by_label("logarithmic").check()
    page.get_by_role("button", name="Add a parameter").click()
    second = page.get_by_role("group", name="Parameter 2")
    second.get_by_label("Name", exact=True).fill("optimizer")
    second.get_by_label("Type").select_option("choice")
    second.get_by_label("Choices").fill("sgd, adam")
    page.get_by_text("How settings reach the program").click()
    fill("settings.file", "train.py")
    page.locator("#s-evaluator summary").click()
    fill("evaluator.command", "python evaluate.py --outputs {outputs} --split {split}")
    fill("evaluator.private", "evaluate.py")
    page.locator("#s-data > summary").click()
    for name in ("train", "holdout"):
        page.get_by_role("button", name="Add a data file").click()
        data = page.locator('[data-rows="data"] > [data-row]').last
        data.get_by_label("Path").fill(f"data/{name}.csv")
        data.get_by_label("Split").select_option(name)
    page.locator("#s-more summary").click()
    fill("editable", "train.py")
    expect(page.locator("#checked")).to_contain_text("Nothing is wrong")
    page.get_by_role("button", name="Assign", exact=True).click()
    page.wait_for_url("**/tickets/T-001")
    expect(page.get_by_role("heading", level=1)).to_contain_text("A better rate")
    taken = board.opened.ledger.tickets.get("T-001")
    assert taken.assigned_by == "ada"
    assert taken.ticket.title == 'A better rate: "5%" # not a comment'
    lr, optimizer = taken.ticket.search_space["lr"], taken.ticket.search_space["optimizer"]
    assert lr.type == "float"
    assert (lr.low, lr.high, lr.log) == (0.001, 1, True)
    assert optimizer.type == "choice"
    assert optimizer.choices == ("sgd", "adam")
    assert [item.split for item in taken.ticket.data] == ["train", "holdout"]
    assert taken.ticket.budget.trials == 10
    assert taken.ticket.question == "Which learning rate is best?"


def test_a_file_is_uploaded_and_what_assigning_refuses_is_told(
    board: Board, signed_in: SignedIn
) -> None:
    page = signed_in("researcher")
    page.goto("/assign")
    (board.toy / "other.md").write_text(TICKET.replace("./toy", "./nowhere"))
    page.get_by_label("Upload a ticket file").set_input_files(board.toy / "other.md")
    expect(page.get_by_label("Ticket file", exact=True)).to_have_value(
        TICKET.replace("./toy", "./nowhere")
    )
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("relative")
    page.get_by_label("Folder of a relative repository path").fill(str(board.toy))
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("nowhere")
    assert board.opened.ledger.tickets.count() == 0
    page.get_by_label("Ticket file", exact=True).fill(TICKET)
    page.get_by_role("button", name="Assign", exact=True).dblclick()
    page.wait_for_url("**/tickets/T-001")
    assert board.opened.ledger.tickets.count() == 1
