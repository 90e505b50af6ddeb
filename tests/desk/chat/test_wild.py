"""Whatever is said: an answer, never an error, never an action."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.chat.budgets import budget_changes
from desk.chat.building import recogniser
from desk.chat.coordinator import Coordinator
from desk.chat.facts import not_in, numbers, unsupported
from desk.chat.slots import names, place, quoted, ticket_file, time_span
from desk.views.recall import Recall
from desk.web.access import Caller
from desk.wiring import Opened, open_home
from evals.chat.cases import eval_names
from evals.chat.home import fill
from tests.doubles.embedder import WordEmbedder

ADA = Caller(name="ada", role="approver")
KNOWN = eval_names()
_PIECES = st.sampled_from(
    ["T-001", "T-002-003", "t-3", "trial 4", "pause", "approve", "yes", "stop", "budget", "40",
     "hours", "trials", "double", "why", "---", "\n", ": ", '"', "“", "train.py:12", "a.md",
     "T-999999999", "T-006-MR0", "T-003-plan-r0.0", "last 9 h", "2026-13-45", "\x00", "\ud800",
     "\u202e", "1e999", "999999999999 trials", "0 trials", "nan", "ticket twelve", "/../..", "no"]
)  # fmt: skip
WILD = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=25).map(" ".join),
    st.tuples(_PIECES, st.integers(1, 20_000)).map(lambda p: ((p[0] + " ") * p[1])[:20_000]),
).filter(lambda text: bool(text.strip()))


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Opened, Coordinator]]:
    folder: Path = tmp_path_factory.mktemp("wild")
    with open_home(folder / "home", create=True) as opened:
        fill(opened)
        recall = Recall(opened.ledger, WordEmbedder())
        yield opened, Coordinator(opened.office(), recogniser(), recall)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=WILD)
def test_an_answer_and_nothing_done(wild: tuple[Opened, Coordinator], text: str) -> None:
    opened, talking = wild
    tickets = [t.model_dump() for t in opened.ledger.tickets.all()]
    decided = opened.ledger.decisions.count()
    thread = talking.threads.open("ada").id
    reply = asyncio.run(talking.say(thread, text, ADA))
    assert reply.statements
    for statement in reply.statements:
        if statement.rows and any(row.event for row in statement.rows):
            assert unsupported(statement, opened.ledger) == [], statement.text
    assert [t.model_dump() for t in opened.ledger.tickets.all()] == tickets
    assert opened.ledger.decisions.count() == decided


@settings(max_examples=300)
@given(text=WILD)
def test_slots_of_anything(text: str) -> None:
    names(text, KNOWN)
    budget_changes(text)
    time_span(text)
    quoted(text)
    place(text)
    ticket_file(text)


@given(value=st.floats(0.0001, 9999, allow_nan=False), digits=st.integers(1, 6))
def test_a_rounded_number_is_the_number(value: float, digits: int) -> None:
    shown = f"{value:.{digits}f}"
    assert not_in(f"It is {shown}.", [f'{{"value": {value!r}}}']) == []


@given(shown=st.integers(0, 10_000), value=st.integers(0, 10_000))
def test_another_number_is_another(shown: int, value: int) -> None:
    found = not_in(f"It has {shown} trials.", [f'{{"trials": {value}}}'])
    assert found == ([] if shown == value else [str(shown)])


def test_ids_are_no_numbers() -> None:
    assert numbers("T-001-003 took 4.5 s in T-001-MR0, 1,024 rows") == ["4.5", "1,024"]
