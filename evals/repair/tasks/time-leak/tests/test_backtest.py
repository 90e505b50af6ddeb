import random

import pytest
from backtest import Record, backtest, mean_absolute_error, temporal_split


def records(count, seed):
    made = [Record(day, float(day)) for day in range(count)]
    random.Random(seed).shuffle(made)
    return made


@pytest.mark.parametrize(("count", "share"), [(100, 0.2), (37, 0.5), (10, 0.05)])
def test_training_is_older(count, share):
    for seed in range(4):
        training, test = temporal_split(records(count, seed), share, seed)
        assert max(r.day for r in training) < min(r.day for r in test)


def test_backtest_of_a_trend():
    assert backtest(records(50, 1), test_share=0.2) == pytest.approx(5.5)


def test_all_records_once_and_test_in_order():
    training, test = temporal_split(records(40, 2), 0.25, 3)
    assert sorted(r.day for r in training + test) == list(range(40))
    assert [r.day for r in test] == sorted(r.day for r in test)
    assert len(test) == 10


def test_training_is_shuffled_by_the_seed():
    first, _ = temporal_split(records(60, 0), seed=1)
    assert [r.day for r in first] != sorted(r.day for r in first)
    assert temporal_split(records(60, 0), seed=1)[0] == first


def test_error_and_wrong_share():
    assert mean_absolute_error(2.0, [Record(0, 1.0), Record(1, 5.0)]) == 2.0
    with pytest.raises(ValueError):
        temporal_split([], 1.0)
