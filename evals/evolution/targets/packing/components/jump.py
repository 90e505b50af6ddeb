"""
---
name: one-circle-jumps
for: Now and then puts one circle somewhere else instead of moving all a little.
needs: [move]
put: wrap function move
---
"""


def move(random, centres):
    """The move as it was, or one circle at a new place."""
    if random.random() >= JUMPS:
        return before(random, centres)
    moved = centres.copy()
    moved[random.integers(len(moved))] = random.uniform(0.05, 0.95, 2)
    return moved


JUMPS = 0.3  # 0.0..1.0
