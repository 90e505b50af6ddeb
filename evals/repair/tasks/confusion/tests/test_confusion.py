import numpy as np
import pytest
from confusion import matrix, most_confused, precisions, recalls


def test_targets_in_rows():
    assert matrix([0, 0, 1, 2], [1, 1, 1, 0], 3).tolist() == [[0, 2, 0], [0, 1, 0], [1, 0, 0]]


def test_class_that_is_never_predicted():
    counts = matrix([0, 1, 1, 2], [0, 0, 2, 2], 3)
    np.testing.assert_allclose(recalls(counts), [1, 0, 1])
    np.testing.assert_allclose(precisions(counts), [0.5, np.nan, 0.5])


def test_most_confused():
    assert most_confused(matrix([0, 0, 0, 1, 2], [2, 2, 0, 0, 2], 3)) == (0, 2)


def test_diagonal_and_total():
    counts = matrix([0, 1, 2, 2], [0, 1, 2, 2], 3)
    assert np.diag(counts).tolist() == [1, 1, 2]
    assert counts.sum() == 4


def test_lengths():
    with pytest.raises(ValueError):
        matrix([0], [0, 1], 2)
