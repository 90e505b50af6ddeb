"""Statistics that are updated value by value, or merged from parts."""

import numpy as np


class Running:
    """Count, mean and sum of squared deviations of columns."""

    def __init__(self, width):
        self.count = 0
        self.mean = np.zeros(width)
        self.squares = np.zeros(width)

    def update(self, rows):
        """Takes rows (count × width) one by one."""
        for row in np.atleast_2d(rows):
            self.count += 1
            delta = row - self.mean
            self.mean = self.mean + delta / self.count
            self.squares = self.squares + delta * (row - self.mean)
        return self

    def merge(self, other):
        """Takes in what another one has seen; the other stays as it is."""
        total = self.count + other.count
        if total == 0:
            return self
        delta = other.mean - self.mean
        self.mean = self.mean + delta * (other.count / total)
        self.squares = self.squares + other.squares
        self.count = total
        return self

    def variance(self, correction=0):
        """The variance of each column; nan with too few rows.

        Args:
            correction: 0 for the population's, 1 for the sample's.
        """
        if self.count <= correction:
            return np.full(self.mean.shape, np.nan)
        return self.squares / (self.count - correction)


def merged(parts, width):
    """One Running of several."""
    whole = Running(width)
    for part in parts:
        whole.merge(part)
    return whole
