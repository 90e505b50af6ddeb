import pytest
from adam import Adam, Moments


@pytest.mark.parametrize("gradient", [[1.0, -5.0], [0.02, 300.0]])
def test_first_step_is_the_rate(gradient):
    weights = [0.0, 0.0]
    Adam(weights, rate=0.01).step(gradient)
    expected = [-0.01 if slope > 0 else 0.01 for slope in gradient]
    assert weights == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.5), (0.0, 0.9)])
def test_constant_gradient_gives_equal_steps(beta1, beta2):
    weights, last = [0.0], 0.0
    optimiser = Adam(weights, rate=0.1, beta1=beta1, beta2=beta2)
    for _ in range(8):
        optimiser.step([3.0])
        assert last - weights[0] == pytest.approx(0.1, rel=1e-5)
        last = weights[0]


def test_corrected_means():
    moments = Moments(1)
    for slope in (2.0, 4.0):
        moments.update([slope], 0.5, 0.75)
    first, second = moments.corrected(0, 0.5, 0.75)
    assert first == pytest.approx((0.25 * 2 + 0.5 * 4) / 0.75)
    assert second == pytest.approx((0.75 * 0.25 * 4 + 0.25 * 16) / (1 - 0.75**2))


def test_moments():
    moments = Moments(2)
    moments.update([1.0, 2.0], 0.9, 0.99)
    assert moments.first == pytest.approx([0.1, 0.2])
    assert moments.second == pytest.approx([0.01, 0.04])
    assert moments.steps == 1


def test_zero_gradient_moves_nothing():
    weights = [1.5]
    Adam(weights).step([0.0])
    assert weights == [1.5]
