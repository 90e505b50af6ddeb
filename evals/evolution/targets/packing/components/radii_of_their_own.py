"""
---
name: radii-of-their-own
for: Lets every circle grow until it meets its nearest neighbour half way, or the wall.
needs: [sizes]
put: replace function sizes
---
"""

import numpy as np


def sizes(centres):
    """Half the way to the nearest neighbour, or all of it to the wall."""
    apart = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, 2)
    walls = np.minimum(centres, 1 - centres).min(axis=1)
    return np.minimum(walls, apart.min(axis=1) / 2)
