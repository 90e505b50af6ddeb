"""The test of random signs: could a mean as high as this be chance?"""

from collections.abc import Sequence
from statistics import fmean

_FINEST = 2048
_WORK = 200_000


def sign_flips(differences: Sequence[float]) -> float:
    """How often random signs make a sum as high as this one: a one-sided p-value, exact.

    Where a change does nothing, either side of a pair could have had either score, so that every
    sign is as likely as its opposite (Fisher 1935). For scores of 0 and 1 it is McNemar's exact
    test. Sizes are rounded to a grid first, a 2048th of the largest or somewhat coarser where there
    are many: signs of rounded sizes are as random, so that the test stays exact.

    Args:
        differences: a pair's or a case's each, positive where the change is better.
    """
    import numpy as np

    largest = max((abs(value) for value in differences), default=0.0)
    if largest == 0:
        return 1.0
    grid = min(_FINEST, max(16, _WORK // len(differences)))
    signed = np.rint(np.array(differences) / largest * grid).astype(np.int64)
    signed = signed[signed != 0] // np.gcd.reduce(signed)
    sizes = np.abs(signed)
    # The signs that are negative choose a subset of sizes; its sum must be no more than here.
    most = int(sizes[signed < 0].sum())
    chance = np.zeros(most + 1)
    chance[0] = 1.0
    for size in sizes:
        moved = np.zeros_like(chance)
        moved[size:] = chance[: len(chance) - size] if size <= most else 0.0
        chance = (chance + moved) / 2
    return float(min(1.0, chance.sum()))


def largest_gain(differences: Sequence[float], chance: float) -> float:
    """The largest gain for each pair that random signs leave no more than this chance.

    The test turned round: the lower bound of a shift, at a confidence of 1 - chance (Hodges and
    Lehmann 1963 do so with ranks).

    Args:
        differences: as for `sign_flips`, which leaves a gain of zero no more than this chance.
        chance: one-sided, in (0, 1).

    Returns:
        At least zero, found to a thousandth of the mean gain.
    """
    low, high = 0.0, fmean(differences)
    for _ in range(10):
        middle = (low + high) / 2
        if sign_flips([value - middle for value in differences]) <= chance:
            low = middle
        else:
            high = middle
    return low
