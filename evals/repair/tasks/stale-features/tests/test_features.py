from features import FeatureStore, lagged, moving_average

SERIES = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]


def test_window_matters():
    store = FeatureStore()
    for window in (2, 5, 1, 3, 2):
        got = [row[0] for row in store.features(SERIES, window=window)]
        assert got == moving_average(SERIES, window)
    assert store.computed == 4


def test_same_options_are_computed_once():
    store = FeatureStore()
    assert store.features(SERIES, 2) == store.features(list(SERIES), 2, [1])
    assert store.computed == 1


def test_lags_and_series_matter():
    store = FeatureStore()
    one = store.features(SERIES, lags=(1,))
    assert store.features(SERIES, lags=(2,)) != one
    assert store.features(SERIES[::-1], lags=(1,)) != one
    assert store.computed == 3


def test_columns():
    assert moving_average([2.0, 4.0, 6.0], 2) == [2.0, 3.0, 5.0]
    assert lagged([1, 2, 3], 2) == [1, 1, 1]
    store = FeatureStore()
    store.features(SERIES)
    store.clear()
    assert store.cache == {}
