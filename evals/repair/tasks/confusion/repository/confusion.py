"""The confusion matrix and what follows from it."""

import numpy as np


def matrix(targets, predictions, classes):
    """counts[target, prediction].

    Args:
        targets: class indices.
        predictions: class indices, as many.
        classes: how many there are.
    """
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape:
        raise ValueError("as many predictions as targets are needed")
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (predictions, targets), 1)
    return counts


def safe_ratio(part, whole):
    """part / whole, nan where whole is 0."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)


def recalls(counts):
    """The share of each class's samples that were found."""
    return safe_ratio(np.diag(counts), counts.sum(axis=1))


def precisions(counts):
    """The share of right ones among each class's predictions."""
    return safe_ratio(np.diag(counts), counts.sum(axis=0))


def most_confused(counts):
    """(target, prediction) of the most frequent error."""
    errors = counts - np.diag(np.diag(counts))
    return tuple(int(i) for i in np.unravel_index(errors.argmax(), errors.shape))
