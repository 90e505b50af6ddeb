import math

import pytest
from targets import log_softmax, loss, one_hot, smooth_targets


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("classes", [2, 4, 10])
def test_adds_up_to_one(classes, epsilon):
    assert sum(smooth_targets(1, classes, epsilon)) == pytest.approx(1.0)


def test_values():
    assert smooth_targets(0, 4, 0.2) == pytest.approx([0.85, 0.05, 0.05, 0.05])
    assert smooth_targets(2, 3, 0.3) == pytest.approx([0.1, 0.1, 0.8])


def test_loss_of_equal_logits():
    for epsilon in (0.1, 0.4):
        assert loss([0.0, 0.0, 0.0], 1, epsilon) == pytest.approx(math.log(3))


def test_without_smoothing():
    assert smooth_targets(1, 3, 0.0) == [0.0, 1.0, 0.0]
    assert loss([2.0, 0.0], 0) == pytest.approx(math.log(1 + math.exp(-2)))
    assert log_softmax([1000.0, 1000.0]) == pytest.approx([-math.log(2)] * 2)


def test_errors():
    with pytest.raises(ValueError):
        one_hot(3, 3)
    with pytest.raises(ValueError):
        smooth_targets(0, 3, 1.0)
