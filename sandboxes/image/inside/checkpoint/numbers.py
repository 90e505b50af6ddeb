"""Numbers that are no numbers, counted as a checkpoint's arrays go by."""

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

CHUNK = 1 << 22
_FLOATS = {"f2": np.float16, "f4": np.float32, "f8": np.float64}


class Broken(Exception):
    """What is wrong with a checkpoint, in words for a person."""


class Tally:
    """What was seen of a checkpoint's numbers.

    Negative infinity counts as a number: attention masks are kept with it. So does any infinity
    that stands alone: `best_loss` begins there.

    Args:
        cap_bytes: as much is looked at.
    """

    def __init__(self, cap_bytes: int = 512 << 20) -> None:
        self._left = cap_bytes
        self.numbers = 0
        self.broken = 0
        self.unseen = False

    @property
    def finite(self) -> bool | None:
        """None: no number could be looked at, or not all of them and none was broken."""
        if self.broken:
            return False
        return True if self.numbers and not self.unseen else None

    def scalar(self, value: float) -> None:
        """A number that stands alone."""
        self.numbers += 1
        self.broken += value != value

    def plain(self, values: Iterable[float]) -> None:
        """Numbers of a list."""
        for value in values:
            self.numbers += 1
            self.broken += value != value or value == float("inf")

    def raw(self, data: bytes, code: str, *, infinities: bool = True) -> None:
        """An array's bytes.

        Args:
            code: f2, f4, f8 or bf16, with ">" before it for the other byte order; others pass.
            infinities: whether positive infinity counts as broken.
        """
        if len(data) > self._left:
            self.unseen = True
            return
        self._left -= len(data)
        with np.errstate(all="ignore"):
            if code == "bf16":
                # The upper half of a float32.
                wide = np.frombuffer(data, "<u2").astype(np.uint32) << 16
                values = wide.view(np.float32)
            elif code.lstrip("<>=") in _FLOATS:
                values = np.frombuffer(data, code)
            else:
                return
            self.numbers += values.size
            if np.isfinite(values).all():
                return
            bad = np.isnan(values)
            if infinities:
                bad |= np.isposinf(values)
            self.broken += int(bad.sum())

    def stream(self, file: BinaryIO, size: int, code: str) -> None:
        """An array that is read from where a file stands. Raises Broken where it ends early."""
        while size > 0:
            data = file.read(min(CHUNK, size))
            if not data:
                raise Broken("it ends in the middle of an array")
            while len(data) % 8 and len(data) < size:  # a short read, in the middle of a number
                more = file.read(8 - len(data) % 8)
                if not more:
                    raise Broken("it ends in the middle of an array")
                data += more
            self.raw(data, code)
            size -= len(data)
