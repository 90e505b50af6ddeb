"""A cosine schedule with warm restarts; steps are counted from 0."""

import math


def cycle_of(step, first, growth):
    """(number of the cycle, step within it, its length).

    Args:
        step: from 0.
        first: length of the first cycle, at least 1.
        growth: each cycle is so many times as long as the one before, a whole number ≥ 1.
    """
    if first < 1 or growth < 1:
        raise ValueError("first and growth must be at least 1")
    number, length = 0, first
    while step >= length * growth:
        length *= growth
        step -= length
        number += 1
    step %= length
    return number, step, length


def rate(step, peak, first, growth=1, shrink=1.0, floor=0.0):
    """The learning rate: from the cycle's peak down to the floor, then up again.

    Args:
        step: from 0.
        peak: of the first cycle.
        first: its length.
        growth: of the lengths.
        shrink: each cycle's peak is so many times the one before.
        floor: what each cycle falls towards.
    """
    number, within, length = cycle_of(step, first, growth)
    top = max(peak * shrink**number, floor)
    return floor + 0.5 * (top - floor) * (1 + math.cos(math.pi * within / length))


def restarts(total, first, growth=1):
    """The steps below `total` at which a cycle starts."""
    return [step for step in range(total) if cycle_of(step, first, growth)[1] == 0]
