"""Learning-rate schedules: a function of the step, counted from 0."""

import math


def linear_warm_up(step, warm_up, peak):
    """The rate in step `step` of `warm_up` steps; the last of them reaches the peak."""
    return peak * (step + 1) / warm_up


def cosine(progress, peak, floor=0.0):
    """Half a cosine from peak (progress 0) to floor (progress 1)."""
    progress = min(max(progress, 0.0), 1.0)
    return floor + 0.5 * (peak - floor) * (1.0 + math.cos(math.pi * progress))


def learning_rate(step, total, peak, warm_up=0, floor=0.0):
    """Linear warm-up to the peak, then a cosine that reaches the floor at step `total`.

    Args:
        step: from 0.
        total: steps of the whole training.
        peak: the highest rate.
        warm_up: steps of warm-up, less than total.
        floor: the lowest rate.
    """
    if not 0 <= warm_up < total:
        raise ValueError("warm-up must be shorter than the training")
    if step < warm_up:
        return linear_warm_up(step, warm_up, peak)
    return cosine(step / total, peak, floor)


def curve(total, peak, warm_up=0, floor=0.0):
    """The rates of all steps."""
    return [learning_rate(step, total, peak, warm_up, floor) for step in range(total)]
