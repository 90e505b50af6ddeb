"""26 circles in the unit square that share neither area nor the outside: the plain beginning."""

import numpy as np

COUNT = 26  # fixed
INNER = 0.14  # 0.05..0.45
OUTER = 0.3  # 0.05..0.5
SPREAD = 0.014  # 0.0..0.1


def start(random):
    """Centres to begin with: one in the middle, eight round it, seventeen round those, unsteady."""
    rings = ((1, 0.0), (8, INNER), (17, OUTER))
    centres = []
    for count, radius in rings:
        turned = random.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
        centres += list(zip(0.5 + radius * np.cos(turned), 0.5 + radius * np.sin(turned)))
    return np.clip(centres + random.normal(0, SPREAD, (COUNT, 2)), 0.01, 0.99)


def sizes(centres):
    """One radius for all: the largest with which no circle overlaps another or sticks out."""
    apart = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, 2)
    walls = np.minimum(centres, 1 - centres).min()
    return np.full(COUNT, min(walls, apart.min() / 2))


def improve(centres, radii):
    """A better packing near a given one."""
    return centres, radii


def attempt(random):
    """One packing."""
    centres = start(random)
    return improve(centres, sizes(centres))


def search(random, left):
    """The packing that is handed in; `left()` tells the seconds of processor time left."""
    return attempt(random)
