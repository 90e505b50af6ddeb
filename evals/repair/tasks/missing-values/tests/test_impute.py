import numpy as np
import pytest
from impute import Imputer, known_medians, known_scales, prepare

NAN = np.nan
TRAINING = np.array([[1.0, 5.0, NAN], [3.0, 5.0, NAN], [NAN, 5.0, NAN], [8.0, NAN, NAN]])


def test_medians_and_scales_of_known_values():
    assert known_medians(TRAINING).tolist() == [3.0, 5.0, 0.0]
    np.testing.assert_allclose(known_scales(TRAINING), [np.std([1, 3, 8]), 1, 1])


def test_training_part():
    filled, _ = prepare(TRAINING, TRAINING)
    assert np.isfinite(filled).all()
    np.testing.assert_allclose(filled[:, 0], np.array([-2, 0, 0, 5]) / np.std([1, 3, 8]))
    np.testing.assert_allclose(filled[:, 1:3], 0)


def test_indicators():
    filled, test = prepare(TRAINING, [[NAN, 1.0, NAN], [1.0, NAN, 2.0]])
    assert filled[:, 3:].tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 1], [0, 1, 1]]
    assert test[:, 3:].tolist() == [[1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("row", [[NAN, 7.0, 4.0], [3.0, NAN, NAN]])
def test_test_part_uses_training_values(row):
    _, test = prepare(TRAINING, [row])
    expected = [0.0, 0.0 if np.isnan(row[1]) else 2.0, 0.0 if np.isnan(row[2]) else 4.0]
    np.testing.assert_allclose(test[0, :3], expected)


def test_nothing_missing():
    full = np.array([[1.0, 2.0], [3.0, 2.0], [8.0, 2.0]])
    filled = Imputer().fit(full).transform(full)
    np.testing.assert_allclose(filled[:, 0], np.array([-2, 0, 5]) / np.std([1, 3, 8]))
    np.testing.assert_allclose(filled[:, 1:], 0)


def test_shape():
    assert Imputer().fit(np.eye(3)).transform(np.zeros((5, 3))).shape == (5, 6)
