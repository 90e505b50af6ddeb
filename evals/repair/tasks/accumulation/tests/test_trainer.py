import pytest
from trainer import epoch, loss, mean_gradient, micro_batches, windows

SAMPLES = [(0.1 * i, 0.3 * i + (i % 3)) for i in range(1, 41)]


@pytest.mark.parametrize("total", [40, 38, 37, 33, 21])
def test_same_as_a_larger_batch(total):
    samples = SAMPLES[:total]
    small, updates = epoch(0.5, samples, 0.01, size=4, steps=4)
    large, expected = epoch(0.5, samples, 0.01, size=16)
    assert updates == expected
    assert small == pytest.approx(large)


def test_window_longer_than_the_epoch():
    small, updates = epoch(0.0, SAMPLES[:7], 0.05, size=3, steps=50)
    assert updates == 1
    assert small == pytest.approx(-0.05 * mean_gradient(0.0, SAMPLES[:7]))


def test_whole_windows():
    small, _ = epoch(0.5, SAMPLES[:32], 0.01, size=4, steps=4)
    large, _ = epoch(0.5, SAMPLES[:32], 0.01, size=16)
    assert small == pytest.approx(large)


def test_learns():
    weight = 0.0
    for _ in range(50):
        weight, _ = epoch(weight, SAMPLES[:32], 0.02, size=8)
    assert loss(weight, SAMPLES[:32]) < loss(0.0, SAMPLES[:32]) / 4


def test_groups():
    assert [len(b) for b in micro_batches(SAMPLES[:10], 4)] == [4, 4, 2]
    assert [len(w) for w in windows(list(range(10)), 4)] == [4, 4, 2]
