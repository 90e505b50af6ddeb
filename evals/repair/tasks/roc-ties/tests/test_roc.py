import numpy as np
import pytest
from roc import area, curve

RNG = np.random.default_rng(11)
TARGETS = RNG.random(120) < 0.4
FINE = RNG.normal(size=120) + TARGETS


def pairs(targets, scores):
    """The share of (positive, negative) pairs in the right order; ties count half."""
    positive, negative = scores[targets], scores[~targets]
    difference = positive[:, None] - negative[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


@pytest.mark.parametrize("digits", [0, 1])
def test_ties_count_half_whatever_the_order(digits):
    scores = np.round(FINE, digits)
    right = pairs(TARGETS, scores)
    for order in (np.argsort(TARGETS), np.argsort(~TARGETS), RNG.permutation(120)):
        assert area(TARGETS[order], scores[order]) == pytest.approx(right)


def test_constant_scores():
    for targets in ([1, 0, 0], [0, 0, 1], [0, 1, 1, 0]):
        assert area(targets, [0.5] * len(targets)) == pytest.approx(0.5)


def test_curve_has_a_point_for_each_score():
    false_rate, true_rate = curve([1, 0, 1, 0], [0.9, 0.9, 0.2, 0.1])
    np.testing.assert_allclose(false_rate, [0, 0.5, 0.5, 1])
    np.testing.assert_allclose(true_rate, [0, 0.5, 1, 1])


def test_without_ties():
    assert area(TARGETS, FINE) == pytest.approx(pairs(TARGETS, FINE))
    assert area([0, 0, 1], [1, 2, 3]) == 1.0
    assert area([1, 0, 0], [1, 2, 3]) == 0.0


def test_errors():
    with pytest.raises(ValueError):
        area([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError):
        area([1, 0], [0.1])
