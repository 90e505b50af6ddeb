"""Features for the linear baselines."""

import numpy as np


class Standardiser:
    """Brings columns to mean 0 and standard deviation 1."""

    def __init__(self, epsilon=1e-8):
        self.epsilon = epsilon
        self.mean = None
        self.scale = None

    def fit(self, features):
        """Learns each column's mean and scale."""
        self.mean = features.mean(axis=0)
        self.scale = features.std(axis=0) + self.epsilon
        return self

    def transform(self, features):
        """Applies what was learned."""
        if self.mean is None:
            raise RuntimeError("fit comes first")
        return (features - self.mean) / self.scale


def add_bias(features):
    """A column of ones in front."""
    return np.hstack([np.ones((len(features), 1)), features])


def prepare(training, test):
    """Standardised features with a bias column: (training, test)."""
    standardiser = Standardiser()
    standardiser.fit(training)
    return add_bias(standardiser.transform(training)), add_bias(standardiser.transform(test))
