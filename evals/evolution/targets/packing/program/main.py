"""Runs pack.py on one case and writes the circles: python main.py INPUT OUTPUT SEED."""

import json
import sys
import time

import numpy as np
import pack
import scipy.optimize  # noqa: F401 - loading it takes seconds on some machines: no part of a search


def separate(centres, radii):
    """Shrinks circles until none overlaps or sticks out; 1e-12 less makes up for rounding."""
    centres = np.asarray(centres, dtype=float)
    walls = np.minimum(centres, 1 - centres).min(axis=1)
    radii = np.minimum(np.asarray(radii, dtype=float), walls)
    radii = np.maximum(radii, 0)
    for one in range(len(radii)):
        for other in range(one):
            apart = float(np.hypot(*(centres[one] - centres[other])))
            if radii[one] + radii[other] > apart:
                share = apart / (radii[one] + radii[other])
                radii[one] *= share
                radii[other] *= share
    return centres, np.maximum(radii - 1e-12, 0)


def main(source, target, seed):
    with open(source) as file:
        case = json.load(file)
    end = time.process_time() + case["seconds"]
    found = pack.search(np.random.default_rng(seed), lambda: end - time.process_time())
    centres, radii = separate(*found)
    circles = [[*map(float, centre), float(r)] for centre, r in zip(centres, radii)]
    with open(target, "w") as file:
        json.dump({"circles": circles}, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
