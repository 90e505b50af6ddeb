"""Measures on grey pictures (uint8, height × width)."""

import numpy as np


def check(first, second):
    """Raises ValueError where two pictures can't be compared."""
    if first.shape != second.shape:
        raise ValueError(f"shapes differ: {first.shape} and {second.shape}")


def difference(first, second):
    """second - first for each pixel, signed."""
    check(first, second)
    return second - first


def mean_absolute_difference(first, second):
    """The mean absolute difference of the pixels."""
    return float(np.abs(difference(first, second)).mean())


def psnr(first, second, highest=255.0):
    """Peak signal-to-noise ratio in dB; inf for equal pictures."""
    error = float((difference(first, second).astype(float) ** 2).mean())
    return float("inf") if error == 0 else float(10 * np.log10(highest**2 / error))


def changed(first, second, threshold=10):
    """The share of pixels that changed by more than a threshold."""
    return float((np.abs(difference(first, second)) > threshold).mean())
