"""Text from a sandbox: nothing that a terminal or a reader could be fooled by comes through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.plain_text import is_plain
from sandboxes.text import Cleaner, clean

HOSTILE = st.lists(
    st.sampled_from(
        [b"\x1b[31m", b"\x1b]0;t\x07", b"\x1b]52;c;eA==\x1b\\", b"\xc2\x9b1m", b"\x00", b"\xff",
         b"\x1b", b"text", b"\n", b"\r", b"\t", "é".encode(), "\u202e".encode(), b"\x1bP", b"0%"]
    ),
    max_size=20,
).map(b"".join)  # fmt: skip


@given(st.text())
def test_plain_is_what_cleaning_leaves_as_it_is(text: str) -> None:
    assert is_plain(text, "\n\r\t") == (clean(text) == text)
    assert is_plain(clean(text), "\n\r\t")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain\ttext\r\n", "plain\ttext\r\n"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07after", "after"),
        (b"\x1b]52;c;c2VjcmV0\x1b\\after", "after"),
        (b"\x1b]0;no end\nnext line", "\nnext line"),
        (b"a\x00b\x08c\x7f", "abc"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("ab\u202ecd\u2066".encode(), "abcd"),
        (b"loss 0.5 [##  ] 50%", "loss 0.5 [##  ] 50%"),
    ],
)
def test_clean(raw: bytes, shown: str) -> None:
    assert clean(raw) == shown


@given(HOSTILE | st.binary(max_size=200))
def test_no_control_comes_through(raw: bytes) -> None:
    shown = clean(raw)
    assert not [c for c in shown if (ord(c) < 32 and c not in "\n\r\t") or 0x7F <= ord(c) < 0xA0]
    assert clean(shown) == shown


@given(HOSTILE, st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_chunks_may_end_anywhere(raw: bytes, sizes: list[int]) -> None:
    cleaner, shown, position = Cleaner(), "", 0
    for size in sizes * (len(raw) // len(sizes) + 1):
        shown += cleaner.feed(raw[position : position + size])
        position += size
    assert shown + cleaner.end() == clean(raw)


def test_a_long_unended_sequence_is_not_held_for_ever() -> None:
    cleaner = Cleaner()
    for _ in range(100):
        cleaner.feed(b"\x1b]" + b"x" * 1000)
    assert len(cleaner._held) <= 4096
