"""
---
name: improve-by-linear-programs
for: Moves all centres and radii at once by linear programs, each in milliseconds.
needs: [improve, COUNT]
put: wrap function improve
---
Inner approximation after Marks & Wright 1978, "A general inner approximation algorithm for
nonconvex mathematical programs" (Operations Research 26). A distance is convex in the centres, so
that its tangent is never above it: what keeps the linear constraints overlaps nowhere, and each
program begins from the packing that the one before it left.
"""

import numpy as np


def improve(centres, radii):
    """A packing from which no small move of all centres makes the radii's sum larger."""
    from scipy.optimize import linprog
    from scipy.sparse import csc_matrix

    centres, radii = before(centres, radii)
    moves, axes = 2 * COUNT, np.arange(2 * COUNT)
    one, other = np.triu_indices(COUNT, 1)
    bounds = [(-TRUST, TRUST)] * moves + [(0, LARGEST)] * COUNT
    upwards = np.concatenate([np.zeros(moves), -np.ones(COUNT)])
    for _ in range(PROGRAMS):
        along = centres[one] - centres[other]
        apart = np.hypot(*along.T)
        # Two that are further apart can't meet within one program's moves.
        near = apart < 2 * LARGEST + 2 * np.sqrt(2) * TRUST
        a, b, gap = one[near], other[near], apart[near]
        to = along[near] / np.maximum(gap, 1e-9)[:, None]
        pairs, k = np.arange(len(a)), len(a)
        full, wall = np.ones(k), np.ones(moves)
        low, high, of = k + axes, k + moves + axes, moves + axes // 2
        rows = np.concatenate([pairs] * 6 + [low, low, high, high])
        columns = [2 * a, 2 * a + 1, 2 * b, 2 * b + 1, moves + a, moves + b, axes, of, axes, of]
        values = [-to[:, 0], -to[:, 1], to[:, 0], to[:, 1], full, full, -wall, wall, wall, wall]
        kept = csc_matrix(
            (np.concatenate(values), (rows, np.concatenate(columns))),
            shape=(k + 2 * moves, moves + COUNT),
        )
        room = np.concatenate([gap, centres.ravel(), 1 - centres.ravel()])
        found = linprog(upwards, A_ub=kept, b_ub=room, bounds=bounds, method="highs-ds").x
        if found is None:
            break
        gained = found[moves:].sum() - radii.sum()
        if gained <= 0:
            break
        centres, radii = centres + found[:moves].reshape(COUNT, 2), found[moves:]
        if gained < 1e-6:
            break
    return centres, radii


PROGRAMS = 30  # 5..60
TRUST = 0.1  # 0.02..0.3 log
LARGEST = 0.18  # fixed
