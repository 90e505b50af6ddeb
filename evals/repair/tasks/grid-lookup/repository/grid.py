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
    numbers, value = [], start
    while value <= end:
        numbers.append(value)
        value += width
    return numbers


def points(**axes):
    """All combinations of the axes' values, as dictionaries."""
    names = sorted(axes)
    return [dict(zip(names, values)) for values in itertools.product(*(axes[n] for n in names))]


def same(one, two):
    """Whether two points are the same but for rounding."""
    return one == two


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
