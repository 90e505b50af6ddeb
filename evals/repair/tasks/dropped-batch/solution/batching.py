"""Batches for training and prediction."""

import math
import random


class Batches:
    """Goes over samples in batches.

    Args:
        samples: a list.
        size: of a batch, at least 1.
        seed: shuffles before each pass; None: the order stays.
        drop_last: whether to leave out an incomplete last batch.
    """

    def __init__(self, samples, size, seed=None, drop_last=False):
        if size < 1:
            raise ValueError("size must be at least 1")
        self.samples, self.size, self.drop_last = samples, size, drop_last
        self.generator = None if seed is None else random.Random(seed)

    def __len__(self):
        count = len(self.samples) / self.size
        return math.floor(count) if self.drop_last else math.ceil(count)

    def __iter__(self):
        order = list(range(len(self.samples)))
        if self.generator is not None:
            self.generator.shuffle(order)
        for number in range(len(self)):
            chosen = order[number * self.size : (number + 1) * self.size]
            yield [self.samples[i] for i in chosen]


def predict(model, samples, size=10):
    """The model's prediction for each sample, in order."""
    predictions = []
    for batch in Batches(samples, size):
        predictions.extend(model(batch))
    return predictions
