import numpy as np
import pytest
from heads import accuracy, cross_entropy, labels, probabilities

LOGITS = np.array([[1.0, 2.0, 3.0], [500.0, 0.0, -3.0], [0.0, 0.0, 0.0], [-1.0, 4.0, 0.5]])


def test_rows_add_up_to_one():
    np.testing.assert_allclose(probabilities(LOGITS).sum(axis=1), 1.0)
    np.testing.assert_allclose(probabilities(LOGITS)[2], [1 / 3] * 3)


def test_a_sample_is_independent_of_its_batch():
    together = probabilities(LOGITS)
    for i in range(len(LOGITS)):
        np.testing.assert_allclose(probabilities(LOGITS[i : i + 1])[0], together[i])


def test_cross_entropy():
    assert cross_entropy(np.zeros((5, 4)), [0, 1, 2, 3, 0]) == pytest.approx(np.log(4))
    assert cross_entropy(LOGITS[:1], [2]) == pytest.approx(0.40760596)


def test_labels_and_accuracy():
    assert labels(LOGITS).tolist() == [2, 0, 0, 1]
    assert accuracy(LOGITS, [2, 1, 0, 1]) == pytest.approx(0.75)


def test_large_logits_stay_finite():
    assert np.isfinite(probabilities(np.array([[1000.0, 999.0], [1000.0, 2.0]]))).all()
