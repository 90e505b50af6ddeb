"""Splitting a list of samples into training, validation and test parts."""

import random


def sizes(total, fractions):
    """Numbers of samples for each fraction; the last part takes what rounding leaves."""
    counts = [int(total * fraction) for fraction in fractions[:-1]]
    counts.append(total - sum(counts))
    return counts


def split(samples, fractions=(0.8, 0.1, 0.1), seed=0):
    """Shuffles the samples by the seed and cuts them into parts.

    Args:
        samples: any sequence; it is left as it is.
        fractions: shares of the parts, adding up to 1.
        seed: decides the order.
    """
    if abs(sum(fractions) - 1.0) > 1e-9:
        raise ValueError("fractions must add up to 1")
    order = list(samples)
    random.Random(seed).shuffle(order)
    parts, start = [], 0
    for count in sizes(len(order), fractions):
        parts.append(order[start : start + count])
        start += count
    return tuple(parts)


def overlap(left, right):
    """Samples that are in both parts."""
    return sorted(set(left) & set(right))
