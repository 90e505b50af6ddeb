"""Intervals against scipy's own, and on numbers at the edge."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.intervals import difference_interval, mean_interval

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6)


def test_welch_agrees_with_scipy() -> None:
    from scipy.stats import ttest_ind

    new, old = [0.91, 0.95, 0.97], [0.85, 0.88, 0.86, 0.90]
    theirs = ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    ours = difference_interval(new, old)
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_a_mean_agrees_with_scipy() -> None:
    from scipy.stats import sem, t

    values = [1.0, 2.0, 4.0]
    ours = mean_interval(values)
    assert ours is not None
    low, high = t.interval(0.95, 2, loc=sum(values) / 3, scale=sem(values))
    assert (ours.low, ours.high) == pytest.approx((low, high))


def test_too_few_or_too_large_give_none() -> None:
    assert mean_interval([1.0]) is None
    assert difference_interval([1.0], [1.0, 2.0]) is None
    assert difference_interval([1e308, -1e308], [1.0, 2.0]) is None


def test_no_spread_has_no_width() -> None:
    found = difference_interval([2.0, 2.0], [1.0, 1.0])
    assert found is not None
    assert (found.low, found.estimate, found.high) == (1, 1, 1)


def test_variances_whose_squares_vanish() -> None:
    found = difference_interval([1e-90, 2e-90], [3e-90, 5e-90])
    assert found is not None
    assert found.low < found.high


@given(SCORES, SCORES)
def test_the_estimate_lies_within(new: list[float], old: list[float]) -> None:
    found = difference_interval(new, old)
    assert found is not None
    assert math.isfinite(found.low)
    assert found.low <= found.estimate <= found.high


def test_rounding_is_no_gain() -> None:
    ours = difference_interval([0.1 + 0.2] * 2, [0.3] * 2)
    assert ours is not None
    assert (ours.low, ours.estimate, ours.high) == (0, 0, 0)
