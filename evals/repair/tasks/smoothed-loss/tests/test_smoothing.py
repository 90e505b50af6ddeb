import pytest
from smoothing import MovingAverage, smooth, window_mean


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.99])
def test_constant_stays(decay):
    assert smooth([2.0] * 30, decay) == pytest.approx([2.0] * 30)


def test_weights_of_the_past():
    expected = [1.0, (0.5 * 1 + 3) / 1.5, (0.25 * 1 + 0.5 * 3 + 7) / 1.75]
    assert smooth([1.0, 3.0, 7.0], 0.5) == pytest.approx(expected)


def test_no_decay_is_the_value():
    assert smooth([1.0, 5.0, 2.0], 0.0) == [1.0, 5.0, 2.0]


def test_before_the_first_value():
    assert MovingAverage().corrected() == 0.0
    with pytest.raises(ValueError):
        MovingAverage(1.0)


def test_window():
    assert window_mean([1.0, 3.0, 8.0], 2) == [1.0, 2.0, 5.5]
