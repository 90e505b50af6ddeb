"""Filling in missing values and bringing columns to one scale."""

import numpy as np


def known_medians(features):
    """The median of each column's known values; 0 where there is none."""
    medians = np.zeros(features.shape[1])
    for column, values in enumerate(features.T):
        known = values[~np.isnan(values)]
        medians[column] = np.median(known) if known.size else 0.0
    return medians


def known_scales(features):
    """The standard deviation of each column's known values; 1 where it is 0 or unknown."""
    scales = np.ones(features.shape[1])
    for column, values in enumerate(features.T):
        known = values[~np.isnan(values)]
        deviation = known.std() if known.size else 0.0
        if deviation > 0:
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
        missing = np.isnan(features)
        filled = np.where(missing, self.medians, features)
        return np.hstack([(filled - self.medians) / self.scales, missing.astype(float)])


def prepare(training, test):
    """Both parts, by what the training part shows."""
    imputer = Imputer().fit(training)
    return imputer.transform(training), imputer.transform(test)
