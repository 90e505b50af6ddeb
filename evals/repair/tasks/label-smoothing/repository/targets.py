"""Targets and losses of the classifier."""

import math


def one_hot(label, classes):
    """1 at the label, 0 elsewhere."""
    if not 0 <= label < classes:
        raise ValueError(f"label {label} is not one of {classes} classes")
    return [1.0 if i == label else 0.0 for i in range(classes)]


def smooth_targets(label, classes, epsilon=0.1):
    """Label smoothing: (1 - epsilon) · one_hot + epsilon / classes everywhere."""
    if not 0 <= epsilon < 1:
        raise ValueError("epsilon must be in [0, 1)")
    share = epsilon / classes
    return [value + share for value in one_hot(label, classes)]


def log_softmax(logits):
    """Logarithms of the probabilities."""
    highest = max(logits)
    total = math.log(sum(math.exp(value - highest) for value in logits))
    return [value - highest - total for value in logits]


def loss(logits, label, epsilon=0.0):
    """Cross-entropy with smoothed targets."""
    targets = smooth_targets(label, len(logits), epsilon)
    return -sum(t * value for t, value in zip(targets, log_softmax(logits)))
