import pytest
from scores import counts, ratio, report


def test_everything_positive():
    result = report([1, 0, 0, 0], [1, 1, 1, 1])
    assert result["precision"] == pytest.approx(0.25)
    assert result["recall"] == 1.0


def test_careful_classifier():
    result = report([1, 1, 1, 1, 0], [1, 0, 0, 0, 0])
    assert result["precision"] == 1.0
    assert result["recall"] == pytest.approx(0.25)


def test_counts():
    assert counts([1, 1, 0, 0, 0, 1], [1, 0, 1, 1, 0, 1]) == (2, 2, 1, 1)


def test_f1_and_accuracy():
    result = report([1, 1, 0, 0], [1, 0, 1, 0])
    assert result["f1"] == pytest.approx(0.5)
    assert result["accuracy"] == pytest.approx(0.5)


def test_edges():
    assert report([], [])["f1"] == 0.0
    assert ratio(1, 0) == 0.0
    with pytest.raises(ValueError):
        counts([1], [])
