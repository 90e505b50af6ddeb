import pytest
from bootstrap import interval, mean, median, quantile, resamples

VALUES = [((i * 37) % 101) / 10 for i in range(60)]


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95])
def test_the_share_inside_is_the_confidence(confidence):
    low, high = interval(VALUES, confidence, times=2000)
    drawn = resamples(VALUES, 2000, 0)
    inside = sum(low <= value <= high for value in drawn) / len(drawn)
    assert inside == pytest.approx(confidence, abs=0.01)


def test_quarters():
    low, high = interval(VALUES, 0.5, times=500, seed=4, statistic=median)
    drawn = resamples(VALUES, 500, 4, median)
    assert (low, high) == (quantile(drawn, 0.25), quantile(drawn, 0.75))


def test_both_sides_lose_the_same():
    low, high = interval(VALUES, 0.9, times=1000)
    drawn = resamples(VALUES, 1000, 0)
    assert sum(v < low for v in drawn) == sum(v > high for v in drawn)


def test_quantile_mean_median():
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([0.0, 10.0], 0.25) == 2.5
    assert mean([1, 2, 6]) == 3
    assert median([4, 1, 3, 2]) == 2.5


def test_seeded_and_checked():
    assert interval(VALUES, seed=1) == interval(VALUES, seed=1)
    with pytest.raises(ValueError):
        interval(VALUES, 95)
