import pytest
from batching import Batches, predict


@pytest.mark.parametrize(("total", "size"), [(103, 10), (7, 10), (10, 3)])
def test_every_sample_is_predicted(total, size):
    assert predict(lambda b: [2 * x for x in b], list(range(total)), size) == [
        2 * x for x in range(total)
    ]


def test_as_many_batches_as_the_length_says():
    for total in (1, 9, 10, 11):
        batches = Batches(list(range(total)), 4, seed=1)
        assert len(list(batches)) == len(batches)


def test_drop_last():
    batches = Batches(list(range(11)), 4, drop_last=True)
    assert list(batches) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(batches) == 2


def test_shuffled_whole_batches():
    batches = Batches(list(range(40)), 8, seed=3)
    first, second = list(batches), list(batches)
    assert sorted(sum(first, [])) == list(range(40))
    assert first != second


def test_nothing_and_wrong_size():
    assert predict(lambda b: b, []) == []
    with pytest.raises(ValueError):
        Batches([], 0)
