import numpy as np
import pytest
from logistic import fit, gradient, loss, predict, sigmoid

RNG = np.random.default_rng(3)
FEATURES = RNG.normal(size=(80, 3))
TARGETS = (FEATURES @ np.array([2.0, -1.0, 0.5]) > 0).astype(float)


@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_gradient_is_the_slope_of_the_loss(penalty):
    weights = RNG.normal(size=3)
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-5
        up = loss(weights + step, FEATURES, TARGETS, penalty)
        down = loss(weights - step, FEATURES, TARGETS, penalty)
        slope = gradient(weights, FEATURES, TARGETS, penalty)[i]
        assert slope == pytest.approx((up - down) / 2e-5, abs=1e-6)


def test_fit_learns():
    weights = fit(FEATURES, TARGETS)
    assert loss(weights, FEATURES, TARGETS) < 0.3
    assert (predict(weights, FEATURES) == TARGETS).mean() > 0.95


def test_penalty_shrinks():
    slope = gradient(np.array([2.0, -1.0]), np.zeros((4, 2)), np.zeros(4), 0.5)
    np.testing.assert_allclose(slope, [1.0, -0.5])


def test_sigmoid_and_loss():
    np.testing.assert_allclose(sigmoid(np.array([-800.0, 0.0, 800.0])), [0, 0.5, 1])
    assert loss(np.zeros(3), FEATURES, TARGETS) == pytest.approx(np.log(2))
    assert predict(np.array([1.0]), np.array([[2.0], [-1.0]])).tolist() == [1, 0]
