"""How sure a mean or a difference is."""

import math
import statistics
from collections.abc import Sequence

from labcrew.domain.base import Model


class Interval(Model):
    """A 95% confidence interval around an estimate."""

    estimate: float
    low: float
    high: float


def _half_width(standard_error: float, degrees: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, degrees)) * standard_error


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Student's t interval of a mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    mean = statistics.fmean(values)
    half = _half_width(statistics.stdev(values) / math.sqrt(len(values)), len(values) - 1)
    return Interval(estimate=mean, low=mean - half, high=mean + half)


def difference_interval(new: Sequence[float], old: Sequence[float]) -> Interval | None:
    """Welch's interval of mean(new) - mean(old) (Welch 1947); None for fewer than two of either,
    or for numbers so large that their spread can't be computed.

    Two groups without any spread give an interval of no width, at zero where they differ by
    rounding alone.
    """
    if len(new) < 2 or len(old) < 2:
        return None
    try:
        means = statistics.fmean(new), statistics.fmean(old)
        difference = means[0] - means[1]
        a, b = statistics.variance(new) / len(new), statistics.variance(old) / len(old)
    except OverflowError:
        return None
    if a + b == 0:
        difference = 0.0 if math.isclose(*means) else difference
        return Interval(estimate=difference, low=difference, high=difference)
    # By shares of the whole: the squares of very small variances would both be zero.
    share = a / (a + b)
    degrees = 1 / (share**2 / (len(new) - 1) + (1 - share) ** 2 / (len(old) - 1))
    half = _half_width(math.sqrt(a + b), degrees)
    return Interval(estimate=difference, low=difference - half, high=difference + half)
