"""Exact replacement: once or not at all, and errors that show where to look."""

from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labcrew.unified_diff import read_diff
from tests.effort import assert_proportionate
from tools.programming.patching import NoPatch, patched
from tools.programming.replacement import NoReplacement, places, replaced

TEXTS = st.text(alphabet="ab \n\t", max_size=60)
PIECES = st.text(alphabet="ab \n\t", min_size=1, max_size=8)


@given(TEXTS, PIECES, TEXTS)
def test_the_one_place_is_replaced_and_nothing_else(before: str, old: str, after: str) -> None:
    text = f"{before}<{old}>{after}"
    result = replaced(text, f"<{old}>", "new")
    assert result == f"{before}new{after}"


@given(TEXTS, PIECES, PIECES)
def test_it_is_made_exactly_where_the_old_text_stands_once(text: str, old: str, new: str) -> None:
    places = [i for i in range(len(text)) if text.startswith(old, i)]
    if len(places) == 1 and old != new:
        at = places[0]
        assert replaced(text, old, new) == text[:at] + new + text[at + len(old) :]
    else:
        with pytest.raises(NoReplacement):
            replaced(text, old, new)


@given(st.text(max_size=80), st.text(max_size=10), st.text(max_size=10))
def test_wild_texts_raise_nothing_else(text: str, old: str, new: str) -> None:
    with suppress(NoReplacement):
        assert replaced(text, old, new) != text


@given(PIECES, PIECES)
def test_there_and_back_is_the_same_text(old: str, new: str) -> None:
    text = f"x = 1\n<{old}>\ny = 2\n"
    assume(old != new)
    there = replaced(text, f"<{old}>", f"<{new}>")
    assert replaced(there, f"<{new}>", f"<{old}>") == text


def test_several_places_are_told_by_their_lines() -> None:
    with pytest.raises(NoReplacement, match=r"2 times, at lines 1, 3"):
        replaced("a = 1\nb = 2\na = 1\n", "a = 1", "a = 2")


def test_overlapping_places_are_several() -> None:
    with pytest.raises(NoReplacement, match="2 times"):
        replaced("aaa", "aa", "b")


def test_other_indentation_is_shown_with_its_line() -> None:
    text = "def f():\n    if x:\n        return 1\n"
    with pytest.raises(NoReplacement, match=r"other spaces.*\n +2\t    if x:\n +3\t        return"):
        replaced(text, "if x:\n    return 1", "if y:\n    return 1")


def test_the_nearest_lines_are_shown() -> None:
    text = "import os\n\nloss = criterion(output, target).mean()\nloss.backward()\n"
    with pytest.raises(NoReplacement, match=r"nearest lines are:\n +3\tloss = criterion"):
        replaced(text, "loss = criterion(outputs, targets).mean()", "loss = 0")


def test_nothing_alike_says_so() -> None:
    with pytest.raises(NoReplacement, match="nothing like it"):
        replaced("import os\n", "completely different words here", "x")


def test_copied_line_numbers_are_named() -> None:
    with pytest.raises(NoReplacement, match="line numbers"):
        replaced("a = 1\nb = 2\n", "    1\ta = 1\n    2\tb = 2", "x")


def test_crlf_files_keep_their_breaks() -> None:
    assert replaced("a\r\nb\r\nc\r\n", "a\nb", "x\ny") == "x\r\ny\r\nc\r\n"


def test_a_long_file_is_searched_in_good_time() -> None:
    text = "".join(f"value_{n} = compute(things[{n}], other)\n" for n in range(20_000))
    with pytest.raises(NoReplacement):
        replaced(text, "value_x = compute(things[7], others)\nfoo = 1", "")


@given(
    st.lists(st.sampled_from(["a", "b", ""]), max_size=20),
    st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=4),
)
def test_places_are_those_of_a_plain_search(lines: list[str], wanted: list[str]) -> None:
    last = len(lines) - len(wanted)
    plain = [i for i in range(last + 1) if lines[i : i + len(wanted)] == wanted]
    assert places(lines, wanted, most=100) == plain


@pytest.mark.parametrize(("line", "count"), [("", 200_000), ("x", 150_000), ("long " * 40, 2000)])
def test_texts_made_to_take_long_do_not(line: str, count: int) -> None:
    def search(count: int) -> None:
        text = f"{line}\n" * count
        old = f"{line}\n" * (count // 2) + "end"
        with pytest.raises(NoReplacement):
            replaced(text, old, "")
        diff = "--- f\n+++ f\n@@ @@\n" + f" {line}\n" * (count // 2) + "-end\n"
        [file] = read_diff(diff)
        with pytest.raises(NoPatch):
            patched(text, file)

    assert_proportionate(search, int, count)
