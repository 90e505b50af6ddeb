"""What an edit leaves alone: line breaks and a byte-order mark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.line_breaks import MARK, LineBreaks

LINES = st.lists(st.sampled_from(["a", "b\n", "\r\n", "\n", "x\r"]), max_size=8).map("".join)
TEXTS = st.builds(str.__add__, st.sampled_from(["", MARK]), LINES)


@given(TEXTS)
def test_off_and_on_is_the_text_again(text: str) -> None:
    breaks = LineBreaks.of(text)
    assert breaks.on(breaks.off(text)) == text
    assert breaks.on(text) == text


@pytest.mark.parametrize(
    ("text", "new", "written"),
    [
        ("a\r\nb\r\n", "c\nd\n", "c\r\nd\r\n"),
        ("a\r\nb\r\n", "c\r\nd\n", "c\r\nd\r\n"),
        ("a\nb\r\n", "c\n", "c\n"),
        (f"{MARK}a\n", "c\n", f"{MARK}c\n"),
        (f"{MARK}a\r\n", f"{MARK}c\n", f"{MARK}c\r\n"),
        ("", "c\n", "c\n"),
    ],
)
def test_a_new_text_is_written_as_the_old_one_was(text: str, new: str, written: str) -> None:
    assert LineBreaks.of(text).on(new) == written
