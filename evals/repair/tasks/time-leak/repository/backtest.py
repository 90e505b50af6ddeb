"""Back-testing forecasts on dated records."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """A value on a day (days are counted from some start)."""

    day: int
    value: float


def temporal_split(records, test_share=0.2, seed=0):
    """(training, test): the newest records are the test part, in order of time.

    Args:
        records: in any order.
        test_share: of the records, in (0, 1).
        seed: decides the order of the training part.
    """
    if not 0 < test_share < 1:
        raise ValueError("test_share must be in (0, 1)")
    ordered = sorted(records, key=lambda record: record.day)
    random.Random(seed).shuffle(ordered)
    cut = len(ordered) - max(1, round(test_share * len(ordered)))
    training, test = ordered[:cut], ordered[cut:]
    return training, sorted(test, key=lambda record: record.day)


def last_value(training):
    """The forecast that nothing changes."""
    return max(training, key=lambda record: record.day).value


def mean_absolute_error(forecast, test):
    """Of one forecast for all test records."""
    return sum(abs(forecast - record.value) for record in test) / len(test)


def backtest(records, forecaster=last_value, test_share=0.2, seed=0):
    """The error of a forecaster on the newest records."""
    training, test = temporal_split(records, test_share, seed)
    return mean_absolute_error(forecaster(training), test)
