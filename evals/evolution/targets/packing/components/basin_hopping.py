"""
---
name: basin-hopping
for: Moves the best packing a little and improves it again, until the time is up.
needs: [search, attempt, improve, sizes]
put: replace function search
---
After Wales & Doye 1997, "Global optimization by basin-hopping" (J. Phys. Chem. A 101), at
temperature zero, with a fresh start after a number of moves in vain.
"""

import numpy as np


def search(random, left):
    """Small moves from a packing, each improved; a new packing where they lead nowhere."""
    best = current = attempt(random)
    took, vain = 0.0, 0
    while left() > RESERVE + took:
        before = left()
        if vain >= PATIENCE:
            current, vain = attempt(random), 0
        else:
            centres = move(random, current[0])
            found = improve(centres, sizes(centres))
            vain += 1
            if overlap_free(found) and found[1].sum() > current[1].sum() + 1e-9:
                current, vain = found, 0
        if overlap_free(current) and current[1].sum() > best[1].sum():
            best = current
        took = max(took, before - left())
    return best


def move(random, centres):
    """Every centre a little elsewhere."""
    return np.clip(centres + random.normal(0, STRIDE, centres.shape), 0.01, 0.99)


def overlap_free(packing):
    """Whether circles keep apart but for rounding."""
    centres, radii = packing
    apart = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, 9)
    inside = np.minimum(centres, 1 - centres).min(axis=1) - radii
    return (apart - radii[:, None] - radii[None]).min() > -1e-6 and inside.min() > -1e-6


RESERVE = 0.2  # fixed
PATIENCE = 40  # 5..100
STRIDE = 0.1  # 0.005..0.3 log
