"""A drafted ticket's file: it reads back exactly, and nothing in it can do harm."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.drafting.writing import sureness, ticket_text
from labcrew.domain.draft import Guess, Option
from labcrew.domain.survey import Place
from labcrew.domain.ticket import Ticket
from labcrew.plain_text import ODD
from labcrew.ticket_file import read_ticket
from tests.tickets import make_ticket

ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=240)
SOME = ANY.filter(bool)
LINES = st.lists(st.text("ab #:-'\"\\{}\t", max_size=120), max_size=6).map("\n".join)
NAMES = st.text("abc_.-/ é😀\"'#:", min_size=1, max_size=30)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    ANY,
)
PARAMETERS = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("choice"),
            "choices": st.lists(VALUES, min_size=1, max_size=8, unique_by=repr),
            "aliases": st.lists(ANY, max_size=3),
        }
    ),
    st.builds(
        lambda low, width, log: {"type": "float", "low": low, "high": low + width, "log": log},
        st.floats(1e-9, 1e9),
        st.floats(1e3, 1e9),
        st.booleans(),
    ),
    st.builds(
        lambda low, width: {"type": "int", "low": low, "high": low + width},
        st.integers(-1000, 1000),
        st.integers(1, 10**9),
    ),
)
# The files' names end in .py and the folders' do not: no path is both a file and a folder.
PATHS = st.from_regex(r"([abc][abc_é]{0,40}/){0,2}[abc][abc_ é]{0,40}\.py", fullmatch=True)


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    fields: dict[str, Any] = {
        "title": draw(st.text("ab 'é\"#:-{}[]", min_size=1, max_size=200)),
        "question": draw(ANY | LINES),
        "run": {
            "command": f"python {draw(ANY | LINES).replace('{', '')} {{settings}}",
            "environment": draw(st.dictionaries(NAMES, ANY | LINES, max_size=3)),
        },
        "settings": {"flags": draw(st.dictionaries(NAMES.map("flag {}".format), ANY, max_size=2))},
        "search_space": draw(st.dictionaries(NAMES, PARAMETERS, min_size=1, max_size=4)),
        "environment": {"packages": draw(st.lists(SOME, max_size=4))},
        "evaluator": draw(
            st.none()
            | st.fixed_dictionaries(
                {
                    "command": st.just("python e.py {outputs} {split}"),
                    "files": st.dictionaries(PATHS, ANY | LINES, max_size=2),
                }
            )
        ),
        "doubts": draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "field": st.just("metric.direction"),
                        "confidence": st.floats(0, 1),
                        "because": ANY,
                    }
                ),
                max_size=2,
            )
        ),
    }
    return make_ticket(**fields)


FIELDS = st.sampled_from(
    ["metric", "metric.direction", "run.command", "search_space", "environment.dockerfile", "split"]
) | ANY.map(lambda name: f"search_space.{name}")
PLACES = st.builds(Place, path=ANY, line=st.integers(0, 9), text=ANY)
GUESSES = st.builds(
    Guess,
    field=FIELDS,
    value=st.none(),
    confidence=st.floats(0, 1),
    because=ANY,
    evidence=st.lists(PLACES, max_size=2).map(tuple),
    others=st.lists(
        st.builds(Option, label=ANY, value=st.none(), score=st.just(0.0), because=ANY),
        max_size=2,
    ).map(tuple),
    by=st.sampled_from(["rule", "model:m", "person:ada"]),
)


@settings(max_examples=150)
@given(tickets(), st.lists(GUESSES, max_size=5), st.lists(ANY, max_size=3))
def test_it_reads_back_to_the_same_ticket(
    ticket: Ticket, guesses: list[Guess], account: list[str]
) -> None:
    text = ticket_text(ticket, guesses, account)
    assert read_ticket(text) == ticket
    front = text[: text.index("\n---\n")]
    assert not ODD.search(front)
    assert "\r" not in front
    for line in front.split("\n"):
        assert len(line) <= 100 or not line.lstrip().startswith("#")


def test_a_guess_stands_above_its_field_with_its_evidence() -> None:
    guess = Guess(
        field="metric.direction",
        value="minimize",
        confidence=0.92,
        because="a loss",
        evidence=(
            Place(path="train.py", line=41, text="print(f'loss {loss}')"),
            Place(path="", text="loss 0.41"),
        ),
        others=(Option(label="maximize", value="maximize", score=-2, because="it rose"),),
    )
    lines = ticket_text(make_ticket(), [guess], ["Installed at the first try."]).split("\n")
    at = next(i for i, line in enumerate(lines) if "92%" in line)
    assert lines[at : at + 5] == [
        "  # likely (92%): a loss",
        "  #   train.py:41 `print(f'loss {loss}')`",
        "  #   printed: `loss 0.41`",
        "  #   or maximize: it rose",
        "  direction: maximize",
    ]
    assert "# - Installed at the first try." in lines


def test_a_guess_of_a_field_the_ticket_leaves_out_stands_by_the_nearest() -> None:
    guess = Guess(field="evaluator.split", value="test", confidence=0.4, because="no other")
    text = ticket_text(make_ticket(), [guess])
    assert "# evaluator.split: a guess (40%): no other\nevaluator: null\n" in text


def test_text_of_a_repository_stays_a_comment() -> None:
    evil = 'x"\n---\nmetric: {name: evil}\x1b]0;owned\x07\u202e\u2028run: {command: rm}'
    guess = Guess(
        field="metric",
        value=None,
        confidence=0.5,
        because=evil,
        evidence=(Place(path=evil, line=1, text=evil[:90]),),
    )
    text = ticket_text(make_ticket(), [guess], [evil])
    assert read_ticket(text) == make_ticket()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert all("evil" not in line or line.lstrip().startswith("#") for line in text.split("\n"))


def test_confidence_is_told_in_words() -> None:
    assert [sureness(c) for c in (0.99, 0.85, 0.6, 0.2)] == [
        "almost certain (99%)",
        "likely (85%)",
        "perhaps (60%)",
        "a guess (20%)",
    ]


def test_marks_that_python_prints_but_nobody_sees_are_escaped() -> None:
    unseen = "plain\U000e0100 text\u202e"
    ticket = make_ticket(question=unseen)
    guess = Guess(field="metric", value=None, confidence=0.5, because=unseen)
    text = ticket_text(ticket, [guess], [unseen])
    assert not ODD.search(text)
    assert read_ticket(text).question == unseen
