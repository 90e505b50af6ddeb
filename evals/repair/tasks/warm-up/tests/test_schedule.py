import math

import pytest
from schedule import cosine, curve, learning_rate


@pytest.mark.parametrize(("total", "warm_up"), [(100, 10), (50, 25), (1000, 300)])
def test_decay_starts_at_the_peak(total, warm_up):
    assert learning_rate(warm_up, total, 0.3, warm_up) == pytest.approx(0.3)
    middle = warm_up + (total - warm_up) // 2
    expected = cosine((middle - warm_up) / (total - warm_up), 0.3, 0.01)
    assert learning_rate(middle, total, 0.3, warm_up, 0.01) == pytest.approx(expected)


def test_no_jump():
    rates = curve(200, 1.0, warm_up=40)
    assert max(abs(a - b) for a, b in zip(rates[39:], rates[40:])) < 0.02


def test_warm_up_climbs_to_the_peak():
    rates = curve(100, 0.5, warm_up=10)
    assert rates[:10] == pytest.approx([0.05 * (i + 1) for i in range(10)])


def test_without_warm_up():
    assert learning_rate(0, 10, 1.0) == 1.0
    assert learning_rate(5, 10, 1.0) == pytest.approx(0.5)
    assert learning_rate(10, 10, 1.0, floor=0.1) == pytest.approx(0.1)
    assert cosine(0.25, 1.0) == pytest.approx(0.5 * (1 + math.sqrt(0.5)))


def test_end_and_wrong_values():
    assert learning_rate(100, 100, 1.0, warm_up=20, floor=0.2) == pytest.approx(0.2)
    with pytest.raises(ValueError):
        learning_rate(0, 10, 1.0, warm_up=10)
