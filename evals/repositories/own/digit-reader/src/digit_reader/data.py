import numpy as np
from sklearn.datasets import load_digits


def load(validation_fraction, seed):
    """Digits scaled to 0..1, shuffled, cut into training and validation."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    images, labels = images[order] / 16.0, labels[order]
    held_out = int(len(labels) * validation_fraction)
    return (images[held_out:], labels[held_out:]), (images[:held_out], labels[:held_out])
