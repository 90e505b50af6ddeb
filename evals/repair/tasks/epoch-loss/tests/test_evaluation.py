import math

import pytest
from evaluation import absolute_error, batch_loss, batches, evaluate, squared_error


def double(x):
    return 2 * x


SAMPLES = [(float(i), 2.0 * i + (i % 5) * (1 + i)) for i in range(23)]


@pytest.mark.parametrize("error", [squared_error, absolute_error])
def test_independent_of_batch_size(error):
    right = sum(error(double(x), y) for x, y in SAMPLES) / len(SAMPLES)
    for size in (2, 5, 7, 10, 22):
        assert evaluate(double, SAMPLES, size, error) == pytest.approx(right)


def test_whole_batches():
    right = sum(squared_error(double(x), y) for x, y in SAMPLES[:20]) / 20
    assert evaluate(double, SAMPLES[:20], 5) == pytest.approx(right)
    assert evaluate(double, SAMPLES[:20], 20) == pytest.approx(right)


def test_batches():
    assert [len(b) for b in batches(list(range(7)), 3)] == [3, 3, 1]
    with pytest.raises(ValueError):
        list(batches([1], 0))


def test_edges():
    assert math.isnan(evaluate(double, []))
    assert batch_loss(double, [(1.0, 3.0), (1.0, 5.0)], squared_error) == pytest.approx(5.0)
