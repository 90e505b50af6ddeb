"""Labels as vectors, and scores that use them."""

import numpy as np


class LabelEncoder:
    """Names of classes and their columns, in the order of the alphabet."""

    def __init__(self, names):
        self.names = sorted(set(names))
        self.columns = {name: column for column, name in enumerate(self.names)}

    @property
    def classes(self):
        return len(self.names)

    def encode(self, names):
        """The columns of names."""
        return np.array([self.columns[name] for name in names], dtype=int)


def one_hot(labels, classes):
    """samples × classes, 1.0 in each sample's column."""
    labels = np.asarray(labels, dtype=int)
    present, positions = np.unique(labels, return_inverse=True)
    return np.eye(len(present))[positions]


def brier(probabilities, labels):
    """The mean squared distance between probabilities and one-hot labels."""
    targets = one_hot(labels, probabilities.shape[1])
    return float(((probabilities - targets) ** 2).sum(axis=1).mean())


def class_shares(labels, classes):
    """The share of each class."""
    return one_hot(labels, classes).mean(axis=0)
