"""Training and test parts by a hash, so that new rows don't move old ones."""

import hashlib

from questions.normalise import key, unique


def place(text, salt=""):
    """A number in [0, 1) that depends on the text alone."""
    digest = hashlib.sha256((salt + text).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def split(rows, test_share=0.2, salt=""):
    """(training rows, test rows) without repeated rows."""
    training, test = [], []
    for question, answer in unique(rows):
        part = test if place(key(question) + key(answer), salt) < test_share else training
        part.append((question, answer))
    return training, test


def shared(training, test):
    """Questions that are in both parts, as keys."""
    return sorted({key(q) for q, _ in training} & {key(q) for q, _ in test})
