"""
---
name: hexagonal-start
for: Begins with rows that are shifted by half a circle.
needs: [start, COUNT]
put: replace function start
---
"""

import numpy as np


def start(random):
    """Five or six rows, every other one shifted; centres that are too many left out by chance."""
    rows = int(random.choice((5, 6)))
    across = -(-COUNT // rows) + 1
    centres = [
        ((column + 0.25 + 0.5 * (row % 2)) / across, (row + 0.5) / rows)
        for row in range(rows)
        for column in range(across)
        if (column + 0.25 + 0.5 * (row % 2)) / across < 1
    ]
    chosen = random.permutation(len(centres))[:COUNT]
    return np.array(centres)[chosen]
