"""Bootstrap intervals for statistics of a sample."""

import random


def mean(values):
    """The arithmetic mean."""
    return sum(values) / len(values)


def median(values):
    """The middle value, or the mean of the two middle ones."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def quantile(values, share):
    """The value below which a share of the values lies, interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def resamples(values, times, seed, statistic=mean):
    """The statistic of `times` samples drawn with replacement."""
    generator = random.Random(seed)
    return [statistic(generator.choices(values, k=len(values))) for _ in range(times)]


def interval(values, confidence=0.95, times=1000, seed=0, statistic=mean):
    """The percentile interval (low, high), with equal shares left out on both sides."""
    if not 0 < confidence < 1:
        raise ValueError("confidence must be between 0 and 1")
    drawn = resamples(values, times, seed, statistic)
    outside = 1 - confidence
    return quantile(drawn, outside), quantile(drawn, 1 - outside)
