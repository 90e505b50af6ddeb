"""Scores of regression models."""

import numpy as np


def flat(values):
    """A vector of floats, from (n,) or (n, 1)."""
    array = np.asarray(values, dtype=float)
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"expected one column, not shape {array.shape}")
    return array


def residuals(targets, predictions):
    """targets - predictions."""
    targets, predictions = np.asarray(targets, float), np.asarray(predictions, float)
    return targets - predictions


def rmse(targets, predictions):
    """Root of the mean squared residual."""
    return float(np.sqrt((residuals(targets, predictions) ** 2).mean()))


def mae(targets, predictions):
    """The mean absolute residual."""
    return float(np.abs(residuals(targets, predictions)).mean())


def r_squared(targets, predictions):
    """1 minus the residuals' share of the targets' variance; nan for constant targets."""
    whole = ((flat(targets) - flat(targets).mean()) ** 2).sum()
    if whole == 0:
        return float("nan")
    return float(1 - (residuals(targets, predictions) ** 2).sum() / whole)
