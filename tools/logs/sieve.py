"""Finds the lines of a backlog that are worth reading, at the speed of a search through its bytes.

A backlog is mostly lines without a metric. What could make a line worth reading stands at few
places: a number that begins a word, a bare nan or inf, the beginning of the line, a pair of letters
as in "error" or "checkpoint". The eight bytes at such a place are its key. A line is read while one
of its keys is not known to be dull; a key is dull once 20 lines that had it told nothing. So the
first lines are read whole, and what they teach passes over the rest.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 18
_PAD = 8
_DULL_AFTER = 20
_SLOTS = 1 << 16
_KEYS_CAP = 1 << 16
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: Knuth's multiplicative hash
_SHIFT = np.uint64(48)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH = np.uint64(0x8080808080808080)
_ONES = np.uint64(0x0101010101010101)
_ZEROES = np.uint64(0x3030303030303030)
_NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)
_ALL = 0xFFFFFFFFFFFFFFFF
_NOWHERE = np.zeros(0, dtype=np.intp)
_BLANKS = frozenset(b"\x00 \t|,;.+-")

Keys = NDArray[np.uint64]
Mask = NDArray[np.bool_]


class Sieve:
    """Passes over lines that are known to tell nothing. Its memory does not grow."""

    def __init__(self) -> None:
        self._dull = np.zeros(_SLOTS, dtype=np.uint64)
        self._dull_keys: set[int] = set()
        self._seen: Counter[int] = Counter()
        self._keys: list[int] = []
        self._room = 0
        self.lines_in_block = 0
        """Lines of the block that was searched last."""

    def blocks(self, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Cuts whole lines into pieces that a processor's cache holds."""
        while start < end:
            cut = end if end - start <= _BLOCK else data.rfind(b"\n", start, start + _BLOCK) + 1
            if cut <= start:  # one line is longer
                cut = data.find(b"\n", start) + 1
            yield start, cut
            start = cut

    def worth_reading(self, data: bytes, first: int, last: int) -> Iterator[bytes]:
        """The lines that may tell something; `learn` has to be told of each before the next.

        Args:
            data: the text; from `first` to `last` it is whole lines that end in newlines.
        """
        places, keys = self._unknown(data, first, last)
        here, count = 0, len(places)
        while here < count:
            if self._is_dull(keys[here]):
                here += 1
                continue
            place = first + places[here]
            start, end = data.rfind(b"\n", first, place) + 1, data.find(b"\n", place)
            line_from = here
            while here < count and first + places[here] < end:
                here += 1
            self._keys = keys[line_from:here]
            yield data[max(start, first) : end]

    def learn(self, tells: bool) -> None:
        """Takes in whether the line that was yielded last told something."""
        if tells:
            return
        for key in self._keys:
            self._seen[key] += 1
            if self._seen[key] >= _DULL_AFTER and not _is_blank(key):
                slot = ((key * int(_MIX)) & _ALL) >> int(_SHIFT)
                self._dull_keys.discard(int(self._dull[slot]))
                self._dull[slot] = key
                self._dull_keys.add(key)
        if len(self._seen) > _KEYS_CAP:
            self._seen.clear()

    def _is_dull(self, key: int) -> bool:
        return key in self._dull_keys

    def _unknown(self, data: bytes, first: int, last: int) -> tuple[list[int], list[int]]:
        """Places whose keys are not dull, and their keys: 0 where a nan or an inf is."""
        text = self._padded(np.frombuffer(data, np.uint8, last - first, first))
        numbers, others, certain = self._places(text)
        words = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
        # The key of a number is what stands before it, of any other place what follows.
        places, keys = self._not_dull(words, numbers, 0)
        more, more_keys = self._not_dull(words, others, _PAD)
        sure = np.flatnonzero(certain) if certain.any() else _NOWHERE
        if len(more) or len(sure):
            places = np.concatenate((places, more, sure))
            keys = np.concatenate((keys, more_keys, np.zeros(len(sure), np.uint64)))
            order = np.argsort(places, kind="stable")
            places, keys = places[order], keys[order]
        return places.tolist(), keys.tolist()

    def _not_dull(self, words: Keys, mask: Mask, offset: int) -> tuple[NDArray[np.intp], Keys]:
        places = mask.nonzero()[0]
        keys = _normal(words[places + offset] if offset else words[places], offset == 0)
        unknown = self._dull[(keys * _MIX) >> _SHIFT] != keys
        return places[unknown], keys[unknown]

    def _padded(self, block: NDArray[np.uint8]) -> NDArray[np.uint8]:
        size = len(block) + 2 * _PAD
        if size > self._room:
            self._room = max(size, _BLOCK + 2 * _PAD)
            self._buffer = np.zeros(self._room, dtype=np.uint8)
            self._bytes = [np.empty(self._room, dtype=np.uint8) for _ in range(2)]
            self._masks = [np.empty(self._room, dtype=np.bool_) for _ in range(6)]
            self._found = [np.empty(self._room, dtype=np.bool_) for _ in range(3)]
        text = self._buffer[:size]
        text[:_PAD] = 10
        text[_PAD:-_PAD] = block
        text[-_PAD:] = 10
        return text

    def _places(self, text: NDArray[np.uint8]) -> tuple[Mask, Mask, Mask]:
        """Where numbers begin, where other keys stand, and where a nan or an inf is."""
        size = len(text)
        low, scratch = (made[:size] for made in self._bytes)
        digit, high, newline, n, a, one = (made[:size] for made in self._masks)
        numbers, others, certain = (made[: size - 2 * _PAD] for made in self._found)

        def at(mask: Mask, offset: int = 0) -> Mask:
            return mask[_PAD + offset : size - _PAD + offset]

        np.subtract(text, 48, out=scratch)
        np.less(scratch, 10, out=digit)
        np.greater(text, 63, out=high)  # a letter, or a sign that no number follows
        np.equal(text, 10, out=newline)
        self.lines_in_block = int(np.count_nonzero(at(newline)))
        np.bitwise_or(text, 32, out=low)
        # A number: a digit that begins a word, and not the next of "12:30" or "2026-01".
        np.greater(at(digit), at(high, -1), out=numbers)
        for offset in (-1, -2):
            np.greater(numbers, at(digit, offset), out=numbers)
        np.greater(numbers, at(newline, -1), out=numbers)
        # nan and inf as words of their own.
        np.equal(low, ord("n"), out=n)
        np.equal(low, ord("a"), out=a)
        np.equal(low, ord("f"), out=one)
        np.bitwise_and(at(n), at(a, 1), out=certain)
        np.bitwise_and(certain, at(n, 2), out=certain)
        np.bitwise_and(at(n, 1), at(one, 2), out=others)
        np.bitwise_or(certain, others, out=certain)
        for offset in (-1, 3):
            np.greater(certain, at(high, offset), out=certain)
        # The beginning of a line, unless it is a number's; then "save", "Traceback", "error",
        # "wrote".
        np.greater(at(newline, -1), at(digit), out=others)
        pair = n[: size - 2 * _PAD]
        np.equal(low, ord("v"), out=one)
        np.bitwise_or(others, np.bitwise_and(at(a), at(one, 1), out=pair), out=others)
        np.equal(low, ord("b"), out=one)
        np.bitwise_or(others, np.bitwise_and(at(one), at(a, 1), out=pair), out=others)
        np.equal(low, ord("r"), out=one)
        np.bitwise_or(others, np.bitwise_and(at(one), at(one, 1), out=pair), out=others)
        np.equal(low, ord("w"), out=a)
        np.bitwise_or(others, np.bitwise_and(at(a), at(one, 1), out=pair), out=others)
        return numbers, others, certain


def _normal(keys: Keys, before: bool) -> Keys:
    """Keys with every digit as 0, and without what belongs to another line.

    Args:
        before: whether the keys stand before their places (else they begin there).
    """
    flipped = keys ^ _ZEROES
    not_digit = (((flipped & _LOW) + np.uint64(0x7676767676767676)) | flipped) & _HIGH
    digit = (not_digit ^ _HIGH) >> np.uint64(7)
    keys = keys & ~(digit * np.uint64(0x0F))
    flipped = keys ^ _NEWLINES
    newline = ~(((flipped & _LOW) + _LOW) | flipped | _LOW)
    some = np.flatnonzero(newline)
    if len(some):
        cut = newline[some]
        for shift in (8, 16, 32):
            cut |= cut >> np.uint64(shift) if before else cut << np.uint64(shift)
        keys[some] &= ~((cut >> np.uint64(7)) * np.uint64(0xFF))
    return keys


def _is_blank(key: int) -> bool:
    """A row of a table begins so: only a header says whether it tells something."""
    return _BLANKS.issuperset(key.to_bytes(8, "little"))
