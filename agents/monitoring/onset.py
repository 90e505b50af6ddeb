"""Where a rise began, seen from when it was noticed."""

from collections import deque


class Onset:
    """The newest values with their steps: the lowest of them stood before a rise.

    What is noticed as far too high has grown from something usual, for some steps unseen; the
    lowest of the newest values was surely healthy, at the price of some steps of good work.

    Args:
        kept: values that are looked back over.
    """

    __slots__ = ("_values",)

    def __init__(self, kept: int = 24) -> None:
        self._values: deque[tuple[float, int]] = deque(maxlen=kept)

    def add(self, value: float, step: int | None) -> None:
        """Takes a value; one without a step can't tell where it was."""
        if step is not None:
            self._values.append((value, step))

    @property
    def step(self) -> int | None:
        """The last surely healthy step; None where none is known."""
        # Of equal values the newest.
        return min(self._values, key=lambda p: (p[0], -p[1]))[1] if self._values else None
