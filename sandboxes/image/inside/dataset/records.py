"""Where each record of a delimited text file begins and ends, in bytes.

A record ends at a newline outside quotes (RFC 4180). Because a quote inside a quoted field is
doubled, a newline is outside exactly when an even number of quotes stands before it, so the file
is scanned without being parsed. Python's csv reader and Polars both lose the byte positions that a
byte-preserving cut needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BOM = b"\xef\xbb\xbf"
SEPARATORS = ",;\t|"
_CHUNK = 1 << 22
_QUOTE, _NEWLINE, _RETURN = 34, 10, 13


@dataclass(frozen=True)
class Records:
    """The layout of a delimited file.

    Attributes:
        header: the bytes that the first line with content spans, a byte-order mark left out.
        starts, ends: shape (records after the header,); a record holds its line ending.
        blank: which of them are empty lines, which are no rows.
        cells: how many fields each has.
        header_cells: how many fields the header has.
        balanced: every quote that was opened was closed.
    """

    header: slice
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    blank: NDArray[np.bool_]
    cells: NDArray[np.int64]
    header_cells: int
    balanced: bool

    @property
    def rows(self) -> NDArray[np.int64]:
        """The records that are rows: row r of the file is record rows[r]."""
        return np.flatnonzero(~self.blank)


def split_records(data: bytes, separator: str) -> Records:
    """Finds the records of a delimited text.

    Args:
        data: the file's bytes.
        separator: one ASCII character.
    """
    ends, separators, open_at_end = _scan(data, ord(separator))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]]) if len(ends) else ends
    counts = np.diff(separators, prepend=0) + 1
    first = len(BOM) if data.startswith(BOM) else 0
    if first and len(starts):
        starts[0] = first
    raw = np.frombuffer(data, np.uint8)
    length = ends - starts
    lead = raw[np.minimum(starts, max(len(raw) - 1, 0))] if len(starts) else raw[:0]
    blank = (length <= 0) | ((length == 1) & np.isin(lead, [_NEWLINE, _RETURN]))
    blank |= (length == 2) & (lead == _RETURN)
    content = np.flatnonzero(~blank)
    if not len(content):
        none = np.zeros(0, np.int64)
        return Records(slice(first, first), none, none, none == 0, none, 0, not open_at_end)
    top = int(content[0])
    after = slice(top + 1, None)
    return Records(
        header=slice(int(starts[top]), int(ends[top])),
        starts=starts[after],
        ends=ends[after],
        blank=blank[after],
        cells=counts[after],
        header_cells=int(counts[top]),
        balanced=not open_at_end,
    )


def without(data: bytes, records: Records, rows: set[int]) -> Iterator[bytes]:
    """The file's bytes without some rows, everything else untouched.

    Args:
        data: the file's bytes.
        records: its layout.
        rows: positions to leave out; the first row after the header is 0.
    """
    position = 0
    for record in records.rows[sorted(rows)]:
        yield data[position : int(records.starts[record])]
        position = int(records.ends[record])
    yield data[position:]


def guess_separator(data: bytes) -> str:
    """The separator that stands most often in the first line, a comma where none does."""
    line = data.removeprefix(BOM).lstrip(b"\r\n")[:65536].split(b"\n", 1)[0]
    outside = b"".join(line.split(b'"')[::2]).decode("latin-1")
    return max(SEPARATORS, key=lambda character: outside.count(character))


def _scan(data: bytes, separator: int) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Where records end, how many separators stand before each end, and whether a quote is open."""
    ends: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int64]] = []
    quotes = separators = 0
    for start in range(0, len(data), _CHUNK):
        chunk = np.frombuffer(data, np.uint8, min(_CHUNK, len(data) - start), start)
        seen = np.cumsum(chunk == _QUOTE, dtype=np.int64) + quotes
        outside = (seen & 1) == 0
        newlines = np.flatnonzero((chunk == _NEWLINE) & outside)
        passed = np.cumsum((chunk == separator) & outside, dtype=np.int64) + separators
        ends.append(newlines + start + 1)
        counts.append(passed[newlines])
        quotes, separators = int(seen[-1]), int(passed[-1])
    if data and (not any(len(found) for found in ends) or _ends_before(ends, len(data))):
        ends.append(np.array([len(data)], np.int64))
        counts.append(np.array([separators], np.int64))
    if not ends:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), False
    return np.concatenate(ends), np.concatenate(counts), quotes % 2 == 1


def _ends_before(ends: list[NDArray[np.int64]], size: int) -> bool:
    """Whether the last record found ends before the file does, so that one more has no newline."""
    last = next((int(found[-1]) for found in reversed(ends) if len(found)), 0)
    return last < size
