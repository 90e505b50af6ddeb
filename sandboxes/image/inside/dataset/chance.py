"""How likely a finding is by chance alone: what keeps small samples from crying wolf."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, lgamma, log

SIGNIFICANT = 0.01
"""How often a check may be wrong about a pair of files, over all their columns together."""


def tail(hits: int, drawn: int, marked: int, total: int) -> float:
    """An upper bound, close to it, of the chance that a split gets so many of the marked rows.

    It is the upper tail of the hypergeometric distribution (Fisher's exact test): its largest term
    times a geometric series, since each term is smaller than the one before by a larger factor.

    Args:
        hits: marked rows that were drawn, or more.
        drawn: rows that were drawn.
        marked: rows that are marked, of `total`.
    """
    rest = total - marked
    ratio = (marked - hits) * (drawn - hits) / ((hits + 1) * (rest - drawn + hits + 1))
    if ratio >= 1:
        return 1.0
    first = _choose(marked, hits) + _choose(rest, drawn - hits) - _choose(total, drawn)
    return min(1.0, exp(min(0.0, first)) / (1 - ratio))


def agreement(counts: Iterable[int], *, ordered: bool) -> float:
    """An upper bound of the chance that shuffled values fall together with the label's.

    Args:
        counts: rows of each value of the label.
        ordered: they agree only up or down, else under any naming of the values.
    """
    sizes = list(counts)
    ways = log(2) if ordered else lgamma(len(sizes) + 1)
    arrangements = lgamma(sum(sizes) + 1) - sum(lgamma(size + 1) for size in sizes)
    return exp(min(0.0, ways - arrangements))


def _choose(n: int, k: int) -> float:
    """The logarithm of a binomial coefficient."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
