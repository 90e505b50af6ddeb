import numpy as np
import pytest
from strata import fold_numbers, stratified, table


@pytest.mark.parametrize(
    ("sizes", "folds"), [([6] * 30, 5), ([1] * 10, 5), ([7, 3, 11, 2], 4), ([4, 4, 4], 3)]
)
def test_folds_are_equally_large(sizes, folds):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    for seed in range(3):
        sizes_found = np.bincount(fold_numbers(labels, folds, seed), minlength=folds)
        assert sizes_found.max() - sizes_found.min() <= 1


def test_every_class_is_spread():
    labels = [0] * 13 + [1] * 8 + [2] * 6
    for counts in table(labels, 5).values():
        assert max(counts) - min(counts) <= 1


def test_disjoint_and_complete():
    labels = ["a"] * 7 + ["b"] * 9
    seen = []
    for training, validation in stratified(labels, 3):
        assert not set(training) & set(validation)
        assert len(training) + len(validation) == 16
        seen += validation.tolist()
    assert sorted(seen) == list(range(16))


def test_seed_decides():
    labels = [0, 1] * 30
    assert (fold_numbers(labels, 5, 1) == fold_numbers(labels, 5, 1)).all()
    assert (fold_numbers(labels, 5, 1) != fold_numbers(labels, 5, 2)).any()
    with pytest.raises(ValueError):
        fold_numbers(labels, 1)
