"""Robust statistics of a moving window, and slopes: what single outliers can't move."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence

_NORMAL_QUARTILES = 1.349
"""The distance of the quartiles of a normal distribution, in standard deviations."""


class Window:
    """The last values, with their median, quartiles and extremes at hand.

    The scale is the distance of the quartiles over 1.349, which outliers of up to a quarter of
    the window leave alone (Tukey, Exploratory Data Analysis, 1977).

    Args:
        size: values that are kept; at least 4.
    """

    __slots__ = ("_sorted", "_values")

    def __init__(self, size: int) -> None:
        self._values: deque[float] = deque(maxlen=size)
        self._sorted: list[float] = []

    def add(self, value: float) -> None:
        """Takes a finite value; the oldest goes when the window is full."""
        values = self._values
        if len(values) == values.maxlen:
            del self._sorted[bisect_left(self._sorted, values[0])]
        values.append(value)
        insort(self._sorted, value)

    def clear(self) -> None:
        """Forgets all."""
        self._values.clear()
        self._sorted.clear()

    def __len__(self) -> int:
        return len(self._sorted)

    @property
    def values(self) -> Sequence[float]:
        """Oldest first."""
        return self._values

    @property
    def median(self) -> float:
        """The middle value, the upper one of two."""
        return self._sorted[len(self._sorted) // 2]

    @property
    def low(self) -> float:
        """The smallest."""
        return self._sorted[0]

    @property
    def high(self) -> float:
        """The largest."""
        return self._sorted[-1]

    def quantile(self, share: float) -> float:
        """The value that `share` (0..1) of the window doesn't exceed."""
        return self._sorted[min(int(share * len(self._sorted)), len(self._sorted) - 1)]

    @property
    def scale(self) -> float:
        """A robust standard deviation."""
        count = len(self._sorted)
        return (self._sorted[(3 * count) // 4] - self._sorted[count // 4]) / _NORMAL_QUARTILES


def median(values: Sequence[float]) -> float:
    """The middle value, the upper one of two. Takes at least one."""
    return sorted(values)[len(values) // 2]


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """The median slope of all pairs of points; 0 where there are none (Theil 1950, Sen 1968).

    Args:
        points: x and y, x rising; at most about 60, since pairs grow with the square.
    """
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for index, earlier in enumerate(points)
        for later in points[index + 1 :]
        if later[0] > earlier[0]
    ]
    return median(slopes) if slopes else 0.0
