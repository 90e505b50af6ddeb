"""Gradient clipping by norm (Pascanu and others, 2013), where a run is told to."""

import os

import numpy as np


def limit():
    """The largest norm, or None."""
    text = os.environ.get("LABCREW_GRADIENT_CLIP")
    return float(text) if text else None


def norm(gradients):
    """The norm over all arrays."""
    with np.errstate(all="ignore"):
        return float(np.sqrt(sum(float((g.astype(float) ** 2).sum()) for g in gradients)))


def clip(gradients, largest):
    """The same gradients, shortened to `largest`; what is not finite counts as no gradient."""
    found = norm(gradients)
    if not np.isfinite(found):
        return [np.zeros_like(g) for g in gradients]
    return [g * min(1.0, largest / (found + 1e-12)) for g in gradients]
