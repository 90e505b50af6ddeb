import pytest
from sgd import SGD, minimise


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_velocity_builds_up(momentum):
    weights = [0.0, 1.0]
    optimiser = SGD(weights, rate=1.0, momentum=momentum)
    velocity, position = 0.0, 0.0
    for _ in range(6):
        optimiser.step([1.0, -2.0])
        velocity = momentum * velocity + 1.0
        position -= velocity
        assert weights == pytest.approx([position, 1.0 - 2 * position])


def test_nesterov():
    weights, velocity, expected = [0.0], 0.0, 0.0
    optimiser = SGD(weights, rate=0.1, momentum=0.8, nesterov=True)
    for slope in (1.0, 2.0, -1.0, 0.5):
        optimiser.step([slope])
        velocity = 0.8 * velocity + slope
        expected -= 0.1 * (slope + 0.8 * velocity)
        assert weights == pytest.approx([expected])


def test_without_momentum():
    weights = [1.0, 2.0]
    optimiser = SGD(weights, rate=0.5)
    optimiser.step([1.0, -1.0])
    optimiser.step([1.0, -1.0])
    assert weights == pytest.approx([0.0, 3.0])


def test_minimise_and_errors():
    found = minimise(lambda w: [2 * (w[0] - 3)], [0.0], 100, rate=0.1)
    assert found == pytest.approx([3.0])
    with pytest.raises(ValueError):
        SGD([0.0], momentum=1.0)
