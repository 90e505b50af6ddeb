"""The test of random signs: could a mean as high as this be chance?"""

from collections.abc import Sequence

_FINEST = 512
_WORK = 200_000


def sign_flips(differences: Sequence[float]) -> float:
    """How often random signs make a sum as high as this one: a one-sided p-value, exact.

    Where a change does nothing, either side of a pair could have had either score, so that every
    sign is as likely as its opposite (Fisher 1935). For scores of 0 and 1 it is McNemar's exact
    test. Sizes are rounded to a grid first, a 512th of the largest or somewhat coarser where there
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
