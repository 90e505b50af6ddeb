import random

import pytest
from splits import overlap, sizes, split


def test_same_seed_same_split():
    for seed in (0, 7, 123):
        random.seed(1)
        first = split(range(200), seed=seed)
        random.seed(2)
        assert split(range(200), seed=seed) == first


def test_different_seeds_differ():
    random.seed(5)
    one = split(range(200), seed=1)
    random.seed(5)
    assert split(range(200), seed=2) != one


def test_shuffled_and_whole():
    parts = split(list(range(100)), seed=3)
    assert [len(part) for part in parts] == [80, 10, 10]
    assert sorted(sum(parts, [])) == list(range(100))
    assert parts[0] != sorted(parts[0])
    assert overlap(parts[0], parts[2]) == []


def test_sizes_and_wrong_fractions():
    assert sizes(7, (0.5, 0.5)) == [3, 4]
    with pytest.raises(ValueError):
        split([1, 2], fractions=(0.5, 0.6))
