import numpy as np
import pytest
from encoding import LabelEncoder, brier, class_shares, one_hot


@pytest.mark.parametrize("labels", [[0, 2], [2], [1, 1, 3], [0, 1, 2, 3]])
def test_columns_are_the_same_in_every_batch(labels):
    encoded = one_hot(labels, 4)
    assert encoded.shape == (len(labels), 4)
    assert encoded.argmax(axis=1).tolist() == labels
    np.testing.assert_allclose(encoded.sum(axis=1), 1)


def test_scores_of_a_batch_that_lacks_classes():
    assert brier(np.array([[0.5, 0.25, 0.25]]), [2]) == pytest.approx(0.25 + 0.0625 + 0.5625)
    np.testing.assert_allclose(class_shares([0, 2, 2, 2], 4), [0.25, 0, 0.75, 0])


@pytest.mark.parametrize("labels", [[0, 2, 5], [-1, 0], [3]])
def test_labels_out_of_range(labels):
    with pytest.raises(ValueError):
        one_hot(labels, 3)


def test_all_classes_present():
    np.testing.assert_allclose(one_hot([1, 0, 2], 3), np.eye(3)[[1, 0, 2]])
    assert brier(np.eye(3), [0, 1, 2]) == 0.0


def test_encoder():
    encoder = LabelEncoder(["dog", "cat", "dog"])
    assert encoder.classes == 2
    assert encoder.encode(["dog", "cat"]).tolist() == [1, 0]
