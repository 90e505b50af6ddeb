"""Random crops and flips."""

import random


class Augmenter:
    """Chooses a crop's corner and whether to flip."""

    def __init__(self, seed, margin=64):
        self.generator = random.Random(seed)
        self.margin = margin

    def choose(self):
        """(left, top, flipped)"""
        left = self.generator.randrange(self.margin)
        top = self.generator.randrange(self.margin)
        return left, top, self.generator.random() < 0.5
