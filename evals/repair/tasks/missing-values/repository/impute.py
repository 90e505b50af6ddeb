"""Filling in missing values and bringing columns to one scale."""

import numpy as np


def known_medians(features):
    """The median of each column's known values; 0 where there is none."""
    medians = np.zeros(features.shape[1])
    for column, values in enumerate(features.T):
        medians[column] = np.median(values)
    return medians


def known_scales(features):
    """The standard deviation of each column's known values; 1 where it is 0 or unknown."""
    scales = np.ones(features.shape[1])
    for column, values in enumerate(features.T):
        deviation = values.std()
        if deviation != 0:
            scales[column] = deviation
    return scales


class Imputer:
    """(value or median - median) / scale, and a column for each one that tells what was missing."""

    def fit(self, features):
        """Learns medians and scales."""
        features = np.asarray(features, dtype=float)
        self.medians = known_medians(features)
        self.scales = known_scales(features)
        return self

    def transform(self, features):
        """samples × (2 · columns): the values, then the indicators."""
        features = np.asarray(features, dtype=float)
        missing = features == np.nan
        filled = np.where(missing, self.medians, features)
        return np.hstack([(filled - self.medians) / self.scales, missing.astype(float)])


def prepare(training, test):
    """Both parts, by what the training part shows."""
    imputer = Imputer().fit(training)
    return imputer.transform(training), imputer.transform(test)
