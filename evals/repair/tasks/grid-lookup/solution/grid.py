"""Grids of parameters and their results."""

import itertools
import math


def steps(start, end, width):
    """Evenly spaced numbers from start to end, both included.

    Args:
        start: the first.
        end: the last, if it is a whole number of widths away; else the last below it.
        width: above 0.
    """
    if width <= 0:
        raise ValueError("width must be above 0")
    count = math.floor((end - start) / width + 1e-9) + 1
    return [start + i * width for i in range(count)]


def points(**axes):
    """All combinations of the axes' values, as dictionaries."""
    names = sorted(axes)
    return [dict(zip(names, values)) for values in itertools.product(*(axes[n] for n in names))]


def same(one, two):
    """Whether two points are the same but for rounding."""
    return one.keys() == two.keys() and all(
        math.isclose(one[name], two[name], rel_tol=1e-9, abs_tol=1e-12) for name in one
    )


class Results:
    """What is known of points."""

    def __init__(self, known=()):
        self.known = list(known)

    def find(self, point):
        """The value of a point, or None."""
        for other, value in self.known:
            if same(point, other):
                return value
        return None

    def missing(self, wanted):
        """The points without a value."""
        return [point for point in wanted if self.find(point) is None]
