"""
---
name: radii-by-linear-program
for: Finds the radii with the largest sum for centres that stay.
needs: [sizes]
put: replace function sizes
---
"""

import numpy as np


def sizes(centres):
    """The best radii for given centres: a linear program, solved exactly."""
    from scipy.optimize import linprog

    count = len(centres)
    one, other = np.triu_indices(count, 1)
    apart = np.hypot(*(centres[one] - centres[other]).T)
    pairs = np.zeros((len(one), count))
    pairs[np.arange(len(one)), one] = pairs[np.arange(len(one)), other] = 1
    walls = np.maximum(np.minimum(centres, 1 - centres).min(axis=1), 0)
    bounds = [(0, wall) for wall in walls]
    found = linprog(
        -np.ones(count),
        A_ub=pairs,
        b_ub=apart,
        bounds=bounds,
        method="highs",
    )
    return np.maximum(found.x, 0) if found.x is not None else np.zeros(count)
