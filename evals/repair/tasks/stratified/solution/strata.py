"""Stratified folds: every fold has about the same share of each class."""

import numpy as np


def by_class(labels):
    """label → indices, in order of the labels."""
    labels = np.asarray(labels)
    return {label: np.flatnonzero(labels == label) for label in np.unique(labels).tolist()}


def fold_numbers(labels, folds=5, seed=0):
    """The fold of each sample.

    Args:
        labels: one for each sample.
        folds: at least 2.
        seed: decides which samples of a class go where.
    """
    if folds < 2:
        raise ValueError("folds must be at least 2")
    generator = np.random.default_rng(seed)
    numbers = np.empty(len(labels), dtype=int)
    start = 0
    for indices in by_class(labels).values():
        shuffled = generator.permutation(indices)
        numbers[shuffled] = (start + np.arange(len(shuffled))) % folds
        start += len(shuffled)
    return numbers


def stratified(labels, folds=5, seed=0):
    """Yields (training indices, validation indices)."""
    numbers = fold_numbers(labels, folds, seed)
    for fold in range(folds):
        yield np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)


def table(labels, folds=5, seed=0):
    """label → samples in each fold."""
    numbers = fold_numbers(labels, folds, seed)
    return {
        label: np.bincount(numbers[indices], minlength=folds).tolist()
        for label, indices in by_class(labels).items()
    }
