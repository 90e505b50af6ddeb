"""Learning rates by epoch, counted from 0."""

import math


def constant(epoch, rate):
    """The same rate in every epoch."""
    return rate


def step_decay(epoch, rate, factor=0.1, every=30):
    """Multiplies the rate by a factor after every so many epochs."""
    if every < 1:
        raise ValueError("every must be at least 1")
    return rate * factor ** (epoch / every)


def exponential(epoch, rate, half_life):
    """Halves the rate smoothly every `half_life` epochs."""
    return rate * 0.5 ** (epoch / half_life)


def polynomial(epoch, rate, epochs, power=1.0, floor=0.0):
    """Falls to the floor at `epochs` along (1 - progress)^power."""
    progress = min(epoch / epochs, 1.0)
    return floor + (rate - floor) * math.pow(1.0 - progress, power)


def curve(schedule, epochs, **options):
    """A schedule's rates of the first epochs."""
    return [schedule(epoch, **options) for epoch in range(epochs)]
