"""`labcrew ticket new REPO "…"` as people and programs use it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from desk import wiring
from desk.cli import app
from desk.cli.drafting import carry_on, written_to
from desk.cli.questions import ask, brief, questions_page
from desk.wiring import AtWork, Opened, Say, open_home
from labcrew.domain.draft import Draft, Guess, Option, Options, Trouble
from labcrew.domain.survey import Place
from labcrew.errors import EngineUnavailable, InputError
from labcrew.ticket_file import read_ticket
from tests.doubles.drafter import GUESSES, QUESTION, ScriptedDrafter

Wire = Callable[..., None]


@pytest.fixture
def here(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, beside the repository `toy`, with a home of its own."""
    monkeypatch.setenv("LABCREW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABCREW_USER", "ada")
    monkeypatch.chdir(toy)
    (toy / "ticket.md").rename(toy / "other.md")
    return toy


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Puts a scripted drafter in the place of the one that needs an engine."""

    def put(**scripted: Any) -> None:
        @contextmanager
        def at_work(opened: Opened, say: Say, *, many: bool = False) -> Iterator[AtWork]:
            def drafter(tell: Say) -> ScriptedDrafter:
                return ScriptedDrafter(opened.ledger, say=tell, **scripted)

            yield AtWork(None, None, None, drafter, None)  # type: ignore[arg-type]

        monkeypatch.setattr(wiring, "at_work", at_work)

    return put


def _run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=input)


def _json(*arguments: str, code: int = 0) -> Any:
    result = _run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_with_yes_the_ticket_is_written_and_can_be_assigned(here: Path, wire: Wire) -> None:
    wire()
    result = _run("ticket", "new", "toy", "lower the loss", "--yes", "--trials", "7")
    assert result.exit_code == 0, result.output
    assert "Reading the repository" in result.stderr
    for shown in ("search_space.lr", "90%", "train.py:3", "named as a learning rate", "60%"):
        assert shown in result.stdout
    assert "labcrew run ticket.md" in result.stdout
    ticket = read_ticket(here / "ticket.md")
    assert (ticket.question, ticket.budget.trials) == ("lower the loss", 7)
    assert "# " in (here / "ticket.md").read_text()
    assert _run("ticket", "new", "ticket.md").exit_code == 0


def test_nothing_is_overwritten(here: Path, wire: Wire) -> None:
    wire()
    (here / "ticket.md").write_text("mine\n")
    assert _json("ticket", "new", "toy", "faster", "--yes")["file"] == str(here / "ticket-2.md")
    assert _json("ticket", "new", "toy", "faster", "--yes")["file"] == str(here / "ticket-3.md")
    error = _json("ticket", "new", "toy", "x", "--yes", "--output", "ticket.md", code=2)["error"]
    assert "ticket.md is there already" in error["message"]
    assert (here / "ticket.md").read_text() == "mine\n"
    with open_home(None) as opened:
        assert len(opened.ledger.drafts.all()) == 2, "refused before anything began"
    _json("ticket", "new", "toy", "x", "--yes", "--output", "ticket.md", "--force")
    assert read_ticket(here / "ticket.md").question == "x"


def test_assign_takes_the_ticket_right_away(here: Path, wire: Wire) -> None:
    wire()
    result = _run("ticket", "new", "toy", "lower the loss", "--yes", "--assign")
    assert result.exit_code == 0, result.output
    assert "T-001 assigned" in result.stdout
    assert "labcrew run T-001" in result.stdout


def test_without_a_terminal_questions_end_it_with_three(here: Path, wire: Wire) -> None:
    wire()
    result = _run("ticket", "new", "toy", "lower the loss")
    assert result.exit_code == 3, result.output
    assert "1. lower (60%)" in result.stdout
    assert "labcrew ticket answer D-001 metric.direction 1" in result.stdout
    assert not (here / "ticket.md").exists()
    assert "Traceback" not in result.output

    told = _json("ticket", "new", "--resume", "D-001", code=3)
    assert [question["field"] for question in told["questions"]] == ["metric.direction"]
    assert told["file"] is None

    bad = _json("ticket", "answer", "D-001", "metric.direction", "sideways", code=2)["error"]
    assert "1. lower" in bad["message"]
    answered = _run("ticket", "answer", "D-001", "metric.direction", "higher")
    assert answered.exit_code == 0
    assert "labcrew ticket new --resume D-001" in answered.stdout

    done = _json("ticket", "new", "--resume", "D-001")
    assert done["draft"]["status"] == "written"
    assert read_ticket(Path(done["file"])).metric.direction == "maximize"


def test_the_same_command_again_goes_on_with_the_draft(here: Path, wire: Wire) -> None:
    wire()
    assert _run("ticket", "new", "toy", "lower the loss").exit_code == 3
    again = _run("ticket", "new", "toy", "lower the loss", "--yes")
    assert again.exit_code == 0
    assert "D-001 is this draft; it goes on." in again.stderr
    assert [draft["id"] for draft in _json("ticket", "drafts")] == ["D-001"]


def test_resume_with_yes_takes_the_guesses(here: Path, wire: Wire) -> None:
    wire()
    assert _run("ticket", "new", "toy", "lower the loss").exit_code == 3
    done = _json("ticket", "new", "--resume", "D-001", "--yes")
    assert read_ticket(Path(done["file"])).metric.direction == "minimize"


def test_a_refusal_is_one_message_with_what_to_supply(here: Path, wire: Wire) -> None:
    trouble = Trouble(
        kind="download",
        what="data.example",
        message="It tries to reach data.example.",
        supply="Put the data into the repository.",
        evidence=(Place(path="train.py", line=9, text="urlretrieve(…)"),),
    )
    wire(trouble=trouble)
    result = _run("ticket", "new", "toy", "lower the loss", "--yes")
    assert result.exit_code == 2
    assert result.stdout == ""
    for shown in ("D-001", "data.example", "train.py:9", "Put the data into"):
        assert shown in result.stderr
    error = _json("ticket", "new", "--resume", "D-001", code=2)["error"]
    assert (error["type"], error["remedy"]) == ("DraftRefused", trouble.supply)
    assert not (here / "ticket.md").exists()
    shown_again = _run("ticket", "drafts", "D-001")
    assert "data.example" in shown_again.stdout


def test_an_engine_that_is_away_leaves_a_draft_to_go_on_with(
    here: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(opened: Opened, say: Say, *, many: bool = False) -> AbstractContextManager[AtWork]:
        raise EngineUnavailable("No Docker engine answers.", "Start one.")

    monkeypatch.setattr(wiring, "at_work", away)
    result = _run("ticket", "new", "toy", "lower the loss", "--yes")
    assert result.exit_code == 4
    assert "labcrew ticket new --resume D-001" in result.stderr
    wire()
    assert _run("ticket", "new", "--resume", "D-001").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "What is the ticket?"),
        (("toy",), "What should become better"),
        (("other.md", "lower the loss"), "is a file"),
        (("other.md", "--trials", "3"), "--trials is for drafts"),
        (("other.md", "--yes", "--assign"), "--yes, --assign are for drafts"),
        (("toy", "lower it", "--resume", "D-001"), "can't be changed"),
        (("--resume", "D-001", "--trials", "3"), "--trials can't be changed"),
        (("toy", " "), "The sentence is empty"),
        (("toy", "lower\x1b[2J it"), "control characters"),
        (("nowhere", "lower it"), "does not exist"),
        (("https://host.example/a.git", "lower it"), "git clone"),
        (("git@host.example:a.git", "lower it"), "git clone"),
        (("toy", "lower it", "--commit", "0123456"), "is not a commit"),
        (("toy", "lower it", "--trials", "0"), "--trials"),
        (("toy", "lower it", "--hours", "0"), "--hours"),
        (("--resume", "D-009"), "D-009"),
    ],
)
def test_what_can_not_be_meant_is_told(
    here: Path, wire: Wire, arguments: tuple[str, ...], said: str
) -> None:
    wire()
    assert _run("init").exit_code == 0
    error = _json("ticket", "new", *arguments, code=2)["error"]
    assert said in f"{error['message']} {error['remedy']}"
    plain = _run("ticket", "new", *arguments)
    assert (plain.exit_code, plain.stdout) == (2, "")
    assert "\x1b" not in plain.output
    with open_home(None) as opened:
        assert opened.ledger.drafts.all() == []


def test_what_a_repository_says_moves_no_cursor_and_is_no_markup(here: Path, wire: Wire) -> None:
    evil = "\x1b]0;owned\x07[bold]x[/bold]\x1b[2J \u202etxet"
    place = Place(path=f"{evil}.py", line=1, text=evil)
    guess = Guess(field="run.command", value=evil, confidence=0.4, because=evil, evidence=(place,))
    option = Option(label=evil, value="minimize", score=0, because=evil, evidence=(place,))
    question = Options(field="metric.direction", question=evil, options=(option,))
    wire(guesses=(guess,), questions=(question,))
    for arguments in (
        ("ticket", "new", "toy", "lower the loss"),
        ("ticket", "drafts", "D-001"),
        ("ticket", "answer", "D-001", "metric.direction", evil),
        ("ticket", "new", "--resume", "D-001", "--yes", "--output", "out.md"),
    ):
        result = _run(*arguments)
        assert "Traceback" not in result.output
        assert not {"\x1b", "\x07", "\u202e"} & set(result.output)
        assert ("[bold]" in result.output) == (arguments[1] != "answer")
    assert read_ticket(here / "out.md").title == "A lower loss"


def _person(*typed: str) -> tuple[Callable[[str], str], list[str]]:
    left, told = list(typed), []

    def read(prompt: str) -> str:
        told.append(prompt)
        return left.pop(0)

    return read, told


def _draft(**fields: Any) -> Draft:
    return Draft(
        id="D-001",
        repository="/lab/toy",
        base_commit="0" * 40,
        sentence="lower the loss",
        asked_by="ada",
        asked_at="2026-01-01T12:00:00+00:00",
        guesses=GUESSES,
        **fields,
    )


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (("",), "minimize"),
        (("2",), "maximize"),
        (("?", "nonsense", "9", "higher"), "maximize"),
    ],
)
def test_a_question_is_asked_until_it_is_answered(typed: Sequence[str], value: str) -> None:
    read, told = _person(*typed)
    assert ask(_draft(), QUESTION, read, told.append, "1 of 1") == value
    page = "\n".join(told)
    assert page.startswith("1 of 1 · Is a higher or a lower val_loss better?\n  1. lower (60%)")
    assert ("printed: val_loss=0.5" in page) == ("?" in typed)
    assert ("answers none of the options" in page) == ("nonsense" in typed)


def test_the_page_of_questions_says_how_to_answer_each() -> None:
    page = questions_page(_draft(), (QUESTION,))
    assert "labcrew ticket answer D-001 metric.direction 1" in page
    assert "--resume D-001 --yes" in page


def test_a_person_is_asked_and_it_goes_on(opened: Opened, toy: Path) -> None:
    import asyncio

    drafts, drafter = opened.drafts(), ScriptedDrafter(opened.ledger)
    draft = drafts.ask(toy / "toy", "lower the loss", by="ada")

    def advance(id: str) -> Draft:
        return asyncio.run(drafter.advance(id))

    waiting = carry_on(drafts, draft, advance, None, "ada")
    assert (waiting.status, drafter.advanced) == ("asking", ["D-001"])
    asked: list[str] = []

    def put(_draft: Draft, question: Options, heading: str) -> str:
        asked.append(f"{heading}: {question.field}")
        return "maximize"

    written = carry_on(drafts, waiting, advance, put, "ada")
    assert asked == ["1 of 1: metric.direction"]
    assert written.status == "written"
    assert written.ticket is not None
    assert written.ticket.metric.direction == "maximize"


def test_a_file_that_can_not_be_written_is_told(tmp_path: Path, opened: Opened, toy: Path) -> None:
    import asyncio

    opened.drafts().ask(toy / "toy", "lower the loss", by="ada", assume_yes=True)
    written = asyncio.run(ScriptedDrafter(opened.ledger).advance("D-001"))
    with pytest.raises(InputError, match="can't be written"):
        written_to(written, tmp_path / "nowhere" / "ticket.md")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "none"),
        ("min\nimize", "min imize"),
        ([0, 1], "[0, 1]"),
        ({"type": "float", "low": 0.001, "high": 1.0, "log": True}, "0.001 to 1.0, log"),
        ({"type": "categorical", "choices": ["a", "b"]}, '["a", "b"]'),
        ({"name": "val_loss", "split": "test"}, "val_loss"),
        ({"alone": True}, "alone: true"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_value_is_shown_briefly(value: Any, shown: str) -> None:
    assert brief(value) == shown
