"""What people can do with drafts, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.draft_answers import chosen_value
from desk.drafts import file_text, ticket_of
from desk.wiring import Opened
from desk.wording import sentence
from labcrew.domain.draft import Draft, Guess, Option, Options, Trouble
from labcrew.domain.survey import Place
from labcrew.errors import InputError, NotFound, RepositoryError
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import git
from tests.doubles.drafter import QUESTION, ScriptedDrafter

METRIC = Options(
    field="metric",
    question="Which number?",
    options=(
        Option(
            label="val_loss (validation)",
            value={"name": "val_loss", "split": "validation", "file": None, "pattern": "(x)"},
            score=1.0,
            because="it is named",
        ),
        Option(
            label="loss (train)",
            value={"name": "loss", "split": "train", "file": None, "pattern": "(y)"},
            score=0.0,
            because="it is shown",
        ),
    ),
)


def _ask(opened: Opened, toy: Path, sentence: str = "lower the loss") -> Draft:
    return opened.drafts().ask(toy / "toy", sentence, by="ada")


def test_a_draft_takes_the_commit_in_and_is_numbered(opened: Opened, toy: Path) -> None:
    first, second = _ask(opened, toy), _ask(opened, toy)
    assert (first.id, second.id) == ("D-001", "D-002")
    assert first.base_commit == git(toy / "toy", "rev-parse", "HEAD")
    assert opened.ledger.drafts.get("D-001") == first
    bench = opened.office().repositories
    assert "train.py" in bench.files("D-001", first.base_commit)
    line = [event for event in opened.ledger.events.of("D-001") if event.kind == "draft.asked"]
    assert [event.actor for event in line] == ["person:ada"]


def test_a_snapshot_has_the_uncommitted_files_and_its_ticket_takes_one_again(
    opened: Opened, toy: Path
) -> None:
    (toy / "toy" / "new.py").write_text("print(1)\n")
    draft = opened.drafts().ask(toy / "toy", "faster", by="ada", snapshot=True)
    head = git(toy / "toy", "rev-parse", "HEAD")
    assert draft.snapshot_of == head != draft.base_commit
    assert "new.py" in opened.office().repositories.files(draft.id, draft.base_commit)


async def test_a_snapshots_ticket_can_be_assigned(opened: Opened, toy: Path) -> None:
    draft = opened.drafts().ask(toy / "toy", "faster", by="ada", snapshot=True, assume_yes=True)
    written = await ScriptedDrafter(opened.ledger).advance(draft.id)
    ticket = ticket_of(written)
    assert (ticket.snapshot, ticket.commit) == (True, draft.snapshot_of)
    assigned = opened.office().assign(ticket, source="test", by="ada", beside=toy)
    assert assigned.base_commit == draft.base_commit


def test_what_is_no_repository_is_refused_with_what_to_do(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    with pytest.raises(RepositoryError, match="git init"):
        opened.drafts().ask(folder, "lower the loss", by="ada")
    git(folder, "init", "-q")
    with pytest.raises(RepositoryError, match="no commits yet"):
        opened.drafts().ask(folder, "lower the loss", by="ada")
    with pytest.raises(RepositoryError, match="does not exist"):
        opened.drafts().ask(tmp_path / "nowhere", "lower the loss", by="ada")
    assert opened.ledger.drafts.all() == []


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("", "empty"),
        (" \t ", "empty"),
        ("x" * 2001, "2,001 characters"),
        ("lower\x1b[31m it", "control characters"),
        ("lower\nthe loss", "line breaks"),
        ("lower \u202e ssol", "invisible"),
    ],
)
def test_a_sentence_that_can_not_be_kept(
    opened: Opened, toy: Path, sentence: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        _ask(opened, toy, sentence)
    assert opened.ledger.drafts.all() == []


@pytest.mark.parametrize(("trials", "hours"), [(0, None), (-3, None), (None, 0.0), (None, -1.0)])
def test_a_budget_that_is_none(
    opened: Opened, toy: Path, trials: int | None, hours: float | None
) -> None:
    with pytest.raises(InputError, match="--trials" if trials is not None else "--hours"):
        opened.drafts().ask(toy / "toy", "faster", by="ada", trials=trials, hours=hours)


async def test_an_answer_is_checked_kept_and_signed(opened: Opened, toy: Path) -> None:
    drafts = opened.drafts()
    _ask(opened, toy)
    await ScriptedDrafter(opened.ledger).advance("D-001")
    with pytest.raises(InputError, match=r"does not ask about 'run\.command'"):
        drafts.answer("D-001", "run.command", 1, "ada")
    with pytest.raises(InputError, match=r"1\. lower"):
        drafts.answer("D-001", "metric.direction", 3, "ada")
    with pytest.raises(NotFound):
        drafts.answer("D-009", "metric.direction", 1, "ada")
    answered = drafts.answer("D-001", "metric.direction", "2", "bob")
    assert answered.answers == {"metric.direction": "maximize"}
    assert answered.status == "drafting"
    events = opened.ledger.events.of("D-001")
    assert [e.actor for e in events if e.kind == "draft.answered"] == ["person:bob"]
    written = await ScriptedDrafter(opened.ledger).advance("D-001")
    assert written.ticket is not None
    assert written.ticket.metric.direction == "maximize"
    with pytest.raises(InputError, match="asks nothing any more"):
        drafts.answer("D-001", "metric.direction", 1, "ada")


async def test_a_failed_draft_takes_no_answers(opened: Opened, toy: Path) -> None:
    trouble = Trouble(kind="no_number", what="a number", message="It printed no number.")
    _ask(opened, toy)
    failed = await ScriptedDrafter(opened.ledger, trouble=trouble).advance("D-001")
    assert failed.status == "failed"
    with pytest.raises(InputError, match="failed"):
        opened.drafts().answer("D-001", "metric.direction", 1, "ada")
    with pytest.raises(InputError, match="has no ticket"):
        ticket_of(failed)


async def test_the_same_wish_goes_on_until_it_ends(opened: Opened, toy: Path) -> None:
    drafts = opened.drafts()
    _ask(opened, toy)

    def same(sentence: str, trials: int | None = None) -> Draft | None:
        return drafts.unfinished(toy / "toy", sentence, commit="HEAD", trials=trials, hours=None)

    known = same(" lower the loss ")
    assert known is not None
    assert known.id == "D-001"
    assert same("raise the accuracy") is None
    assert same("lower the loss", 12) is None
    drafts.take_guesses("D-001", "ada")
    await ScriptedDrafter(opened.ledger).advance("D-001")
    assert same("lower the loss") is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (1, "minimize"),
        ("2", "maximize"),
        ("lower", "minimize"),
        (" HIGHER ", "maximize"),
        ("maximize", "maximize"),
        ("maximise", "maximize"),
        ("down", "minimize"),
    ],
)
def test_a_direction_can_be_said_in_many_ways(said: int | str, value: str) -> None:
    assert chosen_value(QUESTION, said) == value


@pytest.mark.parametrize("said", [0, 3, -1, "0", "3", "sideways", "", "true", True, None, "[1]"])
def test_what_answers_no_option_is_refused(said: object) -> None:
    with pytest.raises(InputError, match="none of the options"):
        chosen_value(QUESTION, said)  # type: ignore[arg-type]


def test_a_metric_of_the_persons_own_is_checked() -> None:
    assert chosen_value(METRIC, "loss") == METRIC.options[1].value
    own = chosen_value(METRIC, '{"name": "f1", "pattern": "f1=(.*)", "split": "test"}')
    assert own == {"name": "f1", "split": "test", "file": None, "pattern": "f1=(.*)"}
    for wrong, message in (
        ('{"name": "f1"}', "file or a pattern"),
        ('{"name": "f1", "pattern": "f1="}', "metric.pattern"),
        ('{"pattern": "f1=(.*)"}', "metric.name"),
        ('{"name": "f1", "pattern": "f1=(.*)", "split": "dev set"}', "metric.split"),
        ('{"name": "f1", "file": "/etc/passwd"}', "metric.file"),
    ):
        with pytest.raises(InputError, match=message):
            chosen_value(METRIC, wrong)


@given(st.text(max_size=60) | st.integers() | st.floats(allow_nan=False) | st.none())
def test_an_answer_is_an_option_or_refused(said: str | int | float | None) -> None:
    try:
        value = chosen_value(QUESTION, said)
    except InputError:
        return
    assert value in ("minimize", "maximize")


HOSTILE = (
    "x\n---\nkind: code\n---\n",
    "# no comment\ntitle: taken",
    "\x1b]0;owned\x07 \u202e evil",
    "'\": {}[] & * ! | > % @ `",
    "---",
)


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_text_of_a_repository_gets_into_the_tickets_fields(
    opened: Opened, toy: Path, text: str
) -> None:
    guess = Guess(
        field="metric.direction",
        value="minimize",
        confidence=0.5,
        because=text,
        evidence=(Place(path=text, line=1, text=text),),
        others=(Option(label=text, value=text, score=0, because=text),),
    )
    opened.drafts().ask(toy / "toy", "lower the loss", by="ada", assume_yes=True)
    written = await ScriptedDrafter(opened.ledger, guesses=(guess,)).advance("D-001")
    told = file_text(written)
    assert read_ticket(told) == written.ticket
    assert "\x1b" not in told
    assert "\u202e" not in told


@pytest.mark.parametrize(
    "sentence",
    ["--- kind: code", "title: {a: b}", "# lower", "'\"&*!|>%@`", "lower: the, [loss]", "---"],
)
async def test_no_sentence_gets_into_other_fields(opened: Opened, toy: Path, sentence: str) -> None:
    opened.drafts().ask(toy / "toy", sentence, by="ada", assume_yes=True)
    written = await ScriptedDrafter(opened.ledger).advance("D-001")
    ticket = read_ticket(file_text(written))
    assert ticket == written.ticket
    assert ticket.question == sentence


async def test_a_draft_is_told_to_those_who_watch(opened: Opened, toy: Path) -> None:
    draft = _ask(opened, toy, "lower the loss")
    failed = draft.model_copy(
        update={"status": "failed", "trouble": Trouble(kind="crash", what="x", message="it fell")}
    )
    opened.ledger.drafts.put(failed, actor="coordinator", kind="draft.failed")
    lines = [sentence(event, opened.ledger) for event in opened.ledger.events.of("D-001")]
    assert lines == ["ada asked for a ticket: lower the loss", "No ticket: it fell"]
