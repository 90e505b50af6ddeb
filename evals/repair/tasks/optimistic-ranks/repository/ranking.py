"""Ranks in link prediction, and scores from them."""

import numpy as np


def rank(scores, true):
    """The true candidate's place among all, from 1; ties count as their mean place.

    Args:
        scores: one for each candidate, higher is better.
        true: the index of the true one.
    """
    scores = np.asarray(scores, dtype=float)
    above = int((scores > scores[true]).sum())
    return 1 + above


def filtered_rank(scores, true, known):
    """The rank without other candidates that are known to be true as well."""
    scores = np.asarray(scores, dtype=float)
    return max(1, rank(scores, true) - len(set(known) - {true}))


def mean_reciprocal_rank(ranks):
    """The mean of 1/rank."""
    return float(np.mean([1 / r for r in ranks]))


def hits_at(ranks, k):
    """The share of ranks of at most k."""
    return float(np.mean([r <= k for r in ranks]))


def evaluate(rows, k=10):
    """mrr and hits of rows (scores, true, known)."""
    ranks = [filtered_rank(*row) for row in rows]
    return {"mrr": mean_reciprocal_rank(ranks), "hits": hits_at(ranks, k)}
