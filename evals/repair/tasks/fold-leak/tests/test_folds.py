import pytest
from folds import boundaries, cross_validate, k_fold


@pytest.mark.parametrize(("total", "folds"), [(10, 5), (11, 3), (7, 7), (23, 4)])
def test_parts_are_disjoint_and_complete(total, folds):
    for training, validation in k_fold(total, folds):
        assert not set(training) & set(validation)
        assert sorted(training + validation) == list(range(total))


def test_nothing_seen_is_validated():
    def seen(training, validation):
        return sum(sample in training for sample in validation)

    assert cross_validate(seen, list("abcdefghij"), 5) == 0


def test_each_sample_is_validated_once():
    for total, folds in [(10, 5), (11, 3)]:
        seen = [i for _, validation in k_fold(total, folds) for i in validation]
        assert seen == list(range(total))


def test_boundaries():
    assert boundaries(7, 3) == [(0, 3), (3, 5), (5, 7)]
    with pytest.raises(ValueError):
        boundaries(3, 4)
