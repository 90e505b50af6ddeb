"""The classification head: from logits to probabilities, losses and labels."""

import numpy as np


def probabilities(logits):
    """Softmax over the classes.

    Args:
        logits: samples × classes.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponents = np.exp(shifted)
    return exponents / exponents.sum(axis=1, keepdims=True)


def cross_entropy(logits, targets):
    """The mean negative log-likelihood of the targets (class indices)."""
    likely = probabilities(logits)[np.arange(len(targets)), targets]
    return float(-np.log(np.clip(likely, 1e-12, 1.0)).mean())


def labels(logits):
    """The likeliest class of each sample."""
    return logits.argmax(axis=1)


def accuracy(logits, targets):
    """The share of samples whose likeliest class is the target."""
    return float((labels(logits) == np.asarray(targets)).mean())
