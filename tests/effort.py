"""How work grows with its input, told by CPU time of this thread alone."""

from collections.abc import Callable
from time import thread_time
from typing import TypeVar

Input = TypeVar("Input")
_TIMES = 4
_MOST = 9
"""Work that grows with the input's size takes 4 times as long, with its square 16 times."""
_TRIES = 5
_TELLING_S = 0.05


def assert_proportionate(
    work: Callable[[Input], object], made: Callable[[int], Input], size: int
) -> None:
    """Fails where an input four times as large takes nine times the work, or more.

    Args:
        work: is given an input, the same one many times, and must keep nothing of it.
        made: an input of a size.
        size: the larger one's, in what `made` counts.
    """
    small, large = made(size // _TIMES), made(size)
    work(small)  # what is done once only, imports say
    for _ in range(_TRIES):
        grown = _least_s(work, large) / _least_s(work, small)
        if grown < _MOST:
            return
    raise AssertionError(f"{_TIMES} times the input takes {grown:.1f} times the work")


def _least_s(work: Callable[[Input], object], given: Input) -> float:
    """Seconds of the shortest run, out of as many as a moment holds."""
    spent, least = 0.0, float("inf")
    while spent < _TELLING_S:
        began = thread_time()
        work(given)
        took = max(thread_time() - began, 1e-6)
        spent, least = spent + took, min(least, took)
    return least
