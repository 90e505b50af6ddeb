"""
---
name: improve-by-relaxation
for: Lets circles push each other apart while they grow.
needs: [improve, sizes, COUNT]
put: wrap function improve
---
"""

import numpy as np


def improve(centres, radii):
    """Centres after circles of a common, slowly growing radius have pushed each other away."""
    centres, radii = before(centres, radii)
    moved = centres.copy()
    for step in range(PUSHES):
        wanted = GROWN * (0.5 + 0.5 * step / PUSHES)
        along = moved[:, None] - moved[None]
        apart = np.hypot(along[..., 0], along[..., 1]) + np.eye(COUNT)
        push = np.maximum(2 * wanted - apart, 0) * (1 - np.eye(COUNT))
        moved += 0.25 * (along / np.maximum(apart, 1e-9)[..., None] * push[..., None]).sum(axis=1)
        moved = np.clip(moved, wanted, 1 - wanted)
    pushed = sizes(moved)
    return (moved, pushed) if pushed.sum() > radii.sum() else (centres, radii)


PUSHES = 200  # 50..1000 log
GROWN = 0.1  # 0.06..0.13
