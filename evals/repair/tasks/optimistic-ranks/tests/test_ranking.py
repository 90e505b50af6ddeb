import pytest
from ranking import evaluate, filtered_rank, hits_at, mean_reciprocal_rank, rank


@pytest.mark.parametrize(("count", "expected"), [(5, 3), (4, 2.5), (1, 1), (100, 50.5)])
def test_all_equal(count, expected):
    for true in {0, count // 2, count - 1}:
        assert rank([0.0] * count, true) == expected


def test_some_equal():
    assert rank([3, 2, 2, 2, 1], 2) == 3
    assert rank([3, 3, 2], 0) == 1.5


def test_filtered():
    scores = [0.9, 0.8, 0.5, 0.4, 0.3]
    assert filtered_rank(scores, 2, [2, 3, 4]) == 3
    assert filtered_rank(scores, 2, [0, 3]) == 2
    assert filtered_rank(scores, 4, [0, 1, 4]) == 3
    assert filtered_rank([1, 1, 1, 0], 1, [0]) == 1.5


def test_useless_model():
    assert evaluate([([0.0] * 9, 4, [])] * 3, k=4) == {"mrr": pytest.approx(0.2), "hits": 0.0}


def test_without_ties():
    assert rank([0.1, 0.9, 0.5], 1) == 1
    assert rank([0.1, 0.9, 0.5], 0) == 3
    assert filtered_rank([0.1, 0.9, 0.5], 2, []) == 2


def test_scores():
    assert mean_reciprocal_rank([1, 2, 4]) == pytest.approx(7 / 12)
    assert hits_at([1, 2, 11], 2) == pytest.approx(2 / 3)
