"""The ROC curve and the area below it."""

import numpy as np


def check(targets, scores):
    """Both as arrays; raises ValueError where a curve makes no sense."""
    targets = np.asarray(targets, dtype=bool)
    scores = np.asarray(scores, dtype=float)
    if targets.shape != scores.shape or targets.ndim != 1:
        raise ValueError("targets and scores must be as long as each other")
    if targets.all() or not targets.any():
        raise ValueError("both classes are needed")
    return targets, scores


def curve(targets, scores):
    """(false positive rates, true positive rates), from (0, 0) to (1, 1).

    A threshold is put between scores that differ; samples above it are called positive.
    """
    targets, scores = check(targets, scores)
    order = np.argsort(-scores, kind="stable")
    targets, scores = targets[order], scores[order]
    hits = np.cumsum(targets)
    alarms = np.cumsum(~targets)
    last_of_score = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    hits, alarms = hits[last_of_score], alarms[last_of_score]
    true_rate = np.concatenate([[0.0], hits / targets.sum()])
    false_rate = np.concatenate([[0.0], alarms / (~targets).sum()])
    return false_rate, true_rate


def area(targets, scores):
    """The area under the ROC curve, by trapezia."""
    false_rate, true_rate = curve(targets, scores)
    widths = np.diff(false_rate)
    return float((widths * (true_rate[1:] + true_rate[:-1]) / 2).sum())
