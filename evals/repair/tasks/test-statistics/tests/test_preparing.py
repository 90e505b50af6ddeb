import numpy as np
import pytest
from preparing import Standardiser, add_bias, prepare

RNG = np.random.default_rng(0)
TRAINING = RNG.normal(3.0, 2.0, size=(40, 3))


def test_training_part_ignores_the_test_set():
    one, _ = prepare(TRAINING, RNG.normal(0, 1, size=(10, 3)))
    two, _ = prepare(TRAINING, RNG.normal(50, 9, size=(30, 3)))
    np.testing.assert_allclose(one, two)
    np.testing.assert_allclose(one[:, 1:].mean(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(one[:, 1:].std(axis=0), 1, atol=1e-6)


def test_test_part_uses_the_training_statistics():
    test = RNG.normal(10, 1, size=(5, 3))
    _, prepared = prepare(TRAINING, test)
    np.testing.assert_allclose(
        prepared[:, 1:], (test - TRAINING.mean(axis=0)) / TRAINING.std(axis=0), rtol=1e-6
    )


def test_shapes_and_bias():
    training, test = prepare(TRAINING, TRAINING[:7])
    assert training.shape == (40, 4)
    assert test.shape == (7, 4)
    assert (test[:, 0] == 1).all()
    assert add_bias(np.zeros((2, 1))).tolist() == [[1, 0], [1, 0]]


def test_standardiser():
    with pytest.raises(RuntimeError):
        Standardiser().transform(TRAINING)
    out = Standardiser().fit(TRAINING).transform(TRAINING)
    np.testing.assert_allclose(out.std(axis=0), 1, atol=1e-6)
