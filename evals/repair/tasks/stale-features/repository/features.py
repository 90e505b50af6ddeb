"""Features of a time series, cached because they are slow on long ones."""

import hashlib
import json


def moving_average(series, window):
    """The mean of the last `window` values at each place; fewer at the start."""
    means = []
    for i in range(len(series)):
        part = series[max(0, i + 1 - window) : i + 1]
        means.append(sum(part) / len(part))
    return means


def lagged(series, lag):
    """The series `lag` steps ago; the first value where there is none."""
    return [series[max(0, i - lag)] for i in range(len(series))]


def digest(series):
    """A short name for the series' values."""
    return hashlib.sha256(json.dumps(list(series)).encode()).hexdigest()[:16]


class FeatureStore:
    """Computes features once for each series and choice of options."""

    def __init__(self):
        self.cache = {}
        self.computed = 0

    def features(self, series, window=5, lags=(1,)):
        """Rows of (moving average, lagged values…), one for each step."""
        key = (digest(series), tuple(lags))
        if key not in self.cache:
            self.computed += 1
            columns = [moving_average(series, window)]
            columns += [lagged(series, lag) for lag in lags]
            self.cache[key] = list(zip(*columns))
        return self.cache[key]

    def clear(self):
        """Forgets everything."""
        self.cache.clear()
