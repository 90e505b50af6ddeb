"""
---
name: improve-by-slsqp
for: Moves all centres and radii at once, with exact gradients.
needs: [improve, COUNT]
put: wrap function improve
---
Sequential least squares after Kraft 1988, "A software package for sequential quadratic
programming", as SciPy has it.
"""

import numpy as np


def improve(centres, radii):
    """A local best of the sum of radii over centres and radii under all constraints."""
    from scipy.optimize import minimize

    centres, radii = before(centres, radii)
    one, other = np.triu_indices(COUNT, 1)
    rows, pairs = np.arange(len(one)), len(one)
    walls, room = _walls()

    def room_left(z):
        c, r = z[: 2 * COUNT].reshape(COUNT, 2), z[2 * COUNT :]
        apart = ((c[one] - c[other]) ** 2).sum(axis=1) - (r[one] + r[other]) ** 2
        return np.concatenate([apart, walls @ z + room])

    def slopes(z):
        c, r = z[: 2 * COUNT].reshape(COUNT, 2), z[2 * COUNT :]
        along, sums = 2 * (c[one] - c[other]), -2 * (r[one] + r[other])
        made = np.zeros((pairs, 3 * COUNT))
        made[rows, 2 * one], made[rows, 2 * one + 1] = along[:, 0], along[:, 1]
        made[rows, 2 * other], made[rows, 2 * other + 1] = -along[:, 0], -along[:, 1]
        made[rows, 2 * COUNT + one] = made[rows, 2 * COUNT + other] = sums
        return np.vstack([made, walls])

    ascent = np.concatenate([np.zeros(2 * COUNT), -np.ones(COUNT)])
    found = minimize(
        lambda z: -z[2 * COUNT :].sum(),
        np.concatenate([centres.ravel(), radii]),
        jac=lambda z: ascent,
        method="SLSQP",
        bounds=[(0, 1)] * (2 * COUNT) + [(0, 0.5)] * COUNT,
        constraints=[{"type": "ineq", "fun": room_left, "jac": slopes}],
        options={"maxiter": STEPS, "ftol": 1e-9},
    ).x
    better = found[: 2 * COUNT].reshape(COUNT, 2), found[2 * COUNT :]
    return better if room_left(found).min() > -1e-7 else (centres, radii)


def _walls():
    """The four walls as linear constraints: matrix and constant."""
    walls, room = np.zeros((4 * COUNT, 3 * COUNT)), np.zeros(4 * COUNT)
    for k in range(COUNT):
        for axis in (0, 1):
            low, high = 2 * k + axis, 2 * COUNT + 2 * k + axis
            walls[low, 2 * k + axis], walls[low, 2 * COUNT + k] = 1, -1
            walls[high, 2 * k + axis], walls[high, 2 * COUNT + k] = -1, -1
            room[high] = 1
    return walls, room


STEPS = 60  # 10..200
