"""Parts of the literature clients that need no server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.errors import ToolError
from tests.doubles.papers_server import papers_server
from tools.literature.arxiv_source import ArxivSource
from tools.literature.openalex import _abstract, _paper
from tools.literature.wording import content_words, surname


def test_content_words_drop_the_rest() -> None:
    words = content_words("Which learning-rate is the best for SGD's momentum, and why? 42")
    assert words == ("learning-rate", "sgd's", "momentum")


@given(st.text(max_size=400))
def test_content_words_of_anything_are_words(text: str) -> None:
    words = content_words(text)
    assert len(words) <= 12
    assert all(word == word.strip() and " " not in word and ":" not in word for word in words)


@given(st.dictionaries(st.text(max_size=8), st.lists(st.integers(-5, 10**9), max_size=5)))
def test_any_inverted_index_is_text(index: dict[str, list[int]]) -> None:
    assert len(_abstract(index)) <= 20_000


def inverted(text: str) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(text.split()):
        index.setdefault(word, []).append(place)
    return index


@pytest.mark.parametrize(
    "text",
    [
        "Training was stable with batch sizes <32 and slow for >128 on every data set.",
        "Gains were significant (p<0.05) when the learning rate was >0.1 in all runs.",
        "Where a rate <r and a size>s meet, momentum < 0.9 or > 0.99 fails.",
    ],
)
def test_comparisons_are_quoted_word_for_word(text: str) -> None:
    assert _abstract(inverted(text)) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<jats:p>A <i>small</i> rate.</jats:p>", "A small rate."),
        ("We trap CO<sub>2</sub>,<br /> p<0.05.", "We trap CO2, p<0.05."),
        (
            """A rate <mml:math xmlns:mml="http://w3.org/M" id='m'>η</mml:math> > 0.1.""",
            "A rate η > 0.1.",
        ),
    ],
)
def test_markup_is_left_out(text: str, plain: str) -> None:
    assert _abstract(inverted(text)) == plain


def test_a_refused_arxiv_query_is_an_error() -> None:
    with papers_server("error_entry") as served, pytest.raises(ToolError, match="refused"):
        ArxivSource(f"{served.url}/api/query", 5).search(("momentum",), 3)


def test_an_author_without_a_name_stops_no_search() -> None:
    work = {
        "id": "https://openalex.org/W1",
        "authorships": [{"author": {"display_name": " "}}],
        "publication_year": 2020,
        "abstract_inverted_index": {"Rates": [0], "matter.": [1]},
    }
    paper = _paper(work)
    assert paper is not None
    assert (paper.citation.key, paper.citation.authors) == ("anonymous2020-W1", ())
    assert (surname(["Ada Lovelace", "B"]), surname([""]), surname([])) == (
        "lovelace", "anonymous", "anonymous",
    )  # fmt: skip
