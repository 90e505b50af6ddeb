"""Medians with intervals, and a gain with its bounds, as words."""

from collections.abc import Sequence
from statistics import median

from evals.evolution.results import Result
from labcrew.domain.base import Model


class Figure(Model):
    """A median with what the order of the values says of its interval."""

    estimate: float
    low: float | None
    high: float | None
    of: int

    def words(self, digits: int) -> str:
        """The figure in a cell of a table."""
        if not self.of:
            return "-"
        if self.low is None or self.high is None:
            return f"{self.estimate:.{digits}f} (of {self.of})"
        return f"{self.estimate:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def median_interval(values: Sequence[float]) -> Figure:
    """The median and its 95% interval by order statistics, none for fewer than six values.

    The k-th smallest and k-th largest value hold the median between them with the chance that fewer
    than k and no more than n - k of n fair coins fall one way.
    """
    from scipy.stats import binom

    if not values:
        return Figure(estimate=0, low=None, high=None, of=0)
    ordered, count = sorted(values), len(values)
    place = int(binom.ppf(0.025, count, 0.5))
    if place < 1 or binom.cdf(place - 1, count, 0.5) > 0.025:
        return Figure(estimate=median(ordered), low=None, high=None, of=count)
    return Figure(
        estimate=median(ordered), low=ordered[place - 1], high=ordered[count - place], of=count
    )


def lift(result: Result) -> str:
    """A loop's gain on the sealed split with its bounds; and in per cent of where it began."""
    found = result.sealed
    if found is None:
        return "-"
    share = f" ({found.gain / result.sealed_baseline:+.0%})" if result.sealed_baseline else ""
    return f"{found.gain:+.3f} [{found.low:+.3f}, {found.high:+.3f}]{share}"
