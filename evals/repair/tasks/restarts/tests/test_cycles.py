import math

import pytest
from cycles import cycle_of, rate, restarts


@pytest.mark.parametrize(
    ("first", "growth", "starts"),
    [(10, 2, [0, 10, 30, 70]), (5, 3, [0, 5, 20, 65]), (1, 2, [0, 1, 3, 7, 15, 31, 63])],
)
def test_restarts(first, growth, starts):
    assert restarts(75, first, growth) == starts
    assert all(rate(s, 0.4, first, growth) == pytest.approx(0.4) for s in starts)


def test_cycle_of():
    assert cycle_of(9, 10, 2) == (0, 9, 10)
    assert cycle_of(29, 10, 2) == (1, 19, 20)
    assert cycle_of(30, 10, 2) == (2, 0, 40)
    assert cycle_of(50, 10, 2) == (2, 20, 40)


@pytest.mark.parametrize("growth", [1, 2])
def test_peaks_shrink_in_each_cycle(growth):
    starts = restarts(40, 5, growth)
    expected = [max(0.5**i, 0.1) for i in range(len(starts))]
    assert [rate(s, 1.0, 5, growth, 0.5, 0.1) for s in starts] == pytest.approx(expected)


def test_first_cycle():
    assert rate(0, 1.0, 8) == 1.0
    assert rate(4, 1.0, 8) == pytest.approx(0.5)
    assert rate(2, 1.0, 8, floor=0.2) == pytest.approx(0.2 + 0.4 * (1 + math.sqrt(0.5)))


def test_errors():
    with pytest.raises(ValueError):
        cycle_of(1, 0, 2)
    with pytest.raises(ValueError):
        cycle_of(1, 5, 0)
