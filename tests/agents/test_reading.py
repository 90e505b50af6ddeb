"""Sentences, ranking and passages."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.reading.asked import asked_settings
from agents.reading.passages import MOST_SENTENCES, most_promising, passages_of
from agents.reading.questions import prints
from agents.reading.ranking import diverse, relevance
from agents.reading.sentences import reads_like_prose, sentences
from labcrew.domain.research import Citation, Paper
from tests.tickets import make_ticket


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("LeCun et al. 1998 say 0.1. So do we.", ["LeCun et al. 1998 say 0.1.", "So do we."]),
        ("See Fig. 3 and e.g. Adam. Done.", ["See Fig. 3 and e.g. Adam.", "Done."]),
        ("J. Smith agrees. (Not all do.) Yes.", ["J. Smith agrees.", "(Not all do.)", "Yes."]),
        ('He said "stop." Then it did.', ['He said "stop."', "Then it did."]),
        ("Broken\nacross\nlines. next", ["Broken across lines. next"]),
        ("A heading\n\nText here.", ["A heading", "Text here."]),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@given(st.text(max_size=500))
def test_sentences_lose_no_character(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_prose() -> None:
    assert reads_like_prose("A learning rate of 0.1 trains this network well.")
    assert not reads_like_prose("0.001 0.838 0.820 0.849 0.003 0.921 0.920")
    assert not reads_like_prose("Too short.")


def unit(*values: float) -> list[float]:
    length = math.sqrt(sum(v * v for v in values))
    return [v / length for v in values]


def test_relevance_is_the_nearest_query() -> None:
    near = relevance([unit(1, 0), unit(1, 1)], [unit(1, 0), unit(0, 1)])
    assert near == pytest.approx([1, math.sqrt(0.5)])


def test_a_copy_comes_after_something_new() -> None:
    vectors = [unit(1, 0, 0), unit(1, 0.01, 0), unit(0.3, 0, 0.95)]
    near = [0.6, 0.59, 0.45]
    assert diverse(vectors, near, 3) == [0, 2, 1]
    assert diverse(vectors, near, 3, balance=1) == [0, 1, 2]


@given(
    st.lists(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: any(abs(x) > 0.01 for x in v))),
    st.integers(0, 12),
)
def test_diverse_picks_each_once(raw: list[tuple[float, ...]], limit: int) -> None:
    vectors = [unit(*values) for values in raw]
    near = relevance(vectors, [unit(1, 1, 1)])
    order = diverse(vectors, near, limit)
    assert len(set(order)) == len(order) == min(limit, len(vectors))
    if order:
        assert near[order[0]] == pytest.approx(max(near), abs=1e-6)


def paper(text: str, key: str = "a") -> Paper:
    return Paper(citation=Citation(key=key, title=key, locator=key), text=text)


def test_passages_know_their_place_and_repeat_nothing() -> None:
    found = passages_of([paper("One two. Three four."), paper("one  TWO. Five six.", "b")])
    assert [(p.id, p.text, p.citation.key, p.after, p.paragraph) for p in found] == [
        ("s1", "One two.", "a", "Three four.", 0),
        ("s2", "Three four.", "a", "", 0),
        ("s3", "Five six.", "b", "", 1),
    ]


def test_a_large_library_is_cut_to_what_shares_words() -> None:
    texts = [f"Nothing number {n} here" for n in range(MOST_SENTENCES + 50)]
    texts[-1] = "The momentum matters most"
    kept = most_promising(passages_of([paper(t) for t in texts]), {"momentum"})
    assert len(kept) == MOST_SENTENCES
    assert kept[-1].text == texts[-1]


@pytest.mark.parametrize(
    ("sentence", "value", "held"),
    [
        ("Rates between 0.05 and 0.2 are best.", 0.1, True),
        ("Rates from 0.05 to 0.2 are best.", 0.1, True),
        ("Rates of 0.05-0.2 are best.", 0.1, True),
        ("A rate of 0.1 gave 97% after 30 epochs.", 0.1, True),
        ("A dropout of 0.1 gave 97% after 30 epochs.", 0.5, False),
        ("Rates of 0.05 and 0.2 were tried.", 0.1, False),
        ("Rates of 0.05, 0.2 were tried.", 0.1, False),
        ("Rates in [0.05, 0.2] are best.", 0.1, True),
        ("Rates in [0.05, 0.12, 0.2] were tried.", 0.1, False),
        ("Rates as in [12] of 0.05, 0.2 were tried.", 0.1, False),
        ("We used Adam.", "adam", True),
    ],
)
def test_only_a_range_holds_what_lies_between_two_numbers(
    sentence: str, value: float | str, held: bool
) -> None:
    assert prints(sentence, value) is held


@pytest.mark.parametrize(
    ("comment", "asked"),
    [
        ("Please try lr in [0.05, 0.2].", []),
        ("Please try lr between 0.05 and 0.2.", []),
        ("lr = 0.05 to 0.2", []),
        ("lr=0.05-0.2", []),
        ("lr=0.05..0.2", []),
        ("lr = [0.05, 0.2]", []),
        ("lr in [0.05, 0.1, 0.2] and a batch size of 16", [{"batch": 16}]),
        ("Try lr in [0.05, 0.2] and batch = 16. Then lr = 0.3.", [{"batch": 16}, {"lr": 0.3}]),
        ("What about a learning rate of 0.05?", [{"lr": 0.05}]),
        ("lr = 0.05, batch = 32, to see", [{"lr": 0.05, "batch": 32}]),
    ],
)
def test_a_range_in_a_comment_is_no_setting_to_try(
    comment: str, asked: list[dict[str, float]]
) -> None:
    assert asked_settings(comment, make_ticket().search_space) == asked
