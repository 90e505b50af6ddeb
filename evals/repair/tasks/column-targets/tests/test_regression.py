import numpy as np
import pytest
from regression import flat, mae, r_squared, residuals, rmse

VALUES = np.array([1.0, 4.0, 2.0, 8.0])
NEAR = VALUES + np.array([1.0, -1.0, 0.0, 2.0])


@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1)), ((4, 1), (4, 1))])
def test_columns_and_vectors(shapes):
    targets, predictions = VALUES.reshape(shapes[0]), NEAR.reshape(shapes[1])
    assert rmse(targets, targets.reshape(shapes[1])) == 0.0
    assert r_squared(targets, VALUES.reshape(shapes[1])) == 1.0
    assert mae(targets, predictions) == pytest.approx(1.0)
    assert rmse(targets, predictions) == pytest.approx(np.sqrt(1.5))
    assert residuals(targets, predictions).shape == (4,)


@pytest.mark.parametrize("shape", [(1, 4), (2, 2)])
def test_other_shapes_are_errors(shape):
    with pytest.raises(ValueError):
        residuals(VALUES, NEAR.reshape(shape))


def test_different_lengths_are_errors():
    with pytest.raises(ValueError):
        rmse(VALUES, [1.0])
    with pytest.raises(ValueError):
        mae(VALUES.reshape(4, 1), NEAR[:3])


def test_vectors():
    assert mae(VALUES, NEAR) == pytest.approx(1.0)
    assert r_squared(VALUES, VALUES) == 1.0
    assert r_squared(VALUES, [VALUES.mean()] * 4) == pytest.approx(0.0)


def test_flat_and_constant():
    assert flat([[1], [2]]).tolist() == [1.0, 2.0]
    assert np.isnan(r_squared([2.0, 2.0], [1.0, 2.0]))
    with pytest.raises(ValueError):
        flat(np.zeros((2, 3)))
