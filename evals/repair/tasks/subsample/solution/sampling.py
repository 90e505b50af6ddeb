"""Drawing samples."""

import random


def subset(samples, share, seed=0):
    """A random part of the samples, none of them twice.

    Args:
        samples: to draw from.
        share: of them, in (0, 1]; at least one sample is drawn.
        seed: decides which.
    """
    if not 0 < share <= 1:
        raise ValueError("share must be in (0, 1]")
    pool = list(samples)
    count = max(1, round(share * len(pool)))
    return random.Random(seed).sample(pool, k=count)


def bootstrap(samples, seed=0):
    """As many samples as there are, drawn with replacement."""
    pool = list(samples)
    return random.Random(seed).choices(pool, k=len(pool))


def out_of_bag(samples, drawn):
    """The samples that were not drawn."""
    seen = set(drawn)
    return [sample for sample in samples if sample not in seen]
