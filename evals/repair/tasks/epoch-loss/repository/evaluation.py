"""Evaluating a frozen model over a data set in batches."""

import math


def batches(samples, size):
    """Consecutive slices of at most `size` samples."""
    if size < 1:
        raise ValueError("size must be at least 1")
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def squared_error(prediction, target):
    """The squared difference."""
    return (prediction - target) ** 2


def absolute_error(prediction, target):
    """The absolute difference."""
    return abs(prediction - target)


def batch_loss(model, batch, error):
    """The mean error over one batch of (input, target)."""
    return sum(error(model(x), y) for x, y in batch) / len(batch)


def evaluate(model, samples, size=32, error=squared_error):
    """The mean error over all samples; nan without any."""
    total, count = 0.0, 0
    for batch in batches(samples, size):
        total += batch_loss(model, batch, error)
        count += 1
    return total / count if count else math.nan
