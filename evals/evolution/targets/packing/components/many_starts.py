"""
---
name: many-starts
for: Uses the time that is left for more attempts and hands in the best.
needs: [search, attempt]
put: replace function search
---
"""


def search(random, left):
    """The best of as many attempts as there is time for."""
    best = attempt(random)
    took = 0.0
    while left() > RESERVE + took:
        before = left()
        found = attempt(random)
        took = max(took, before - left())
        if found[1].sum() > best[1].sum():
            best = found
    return best


RESERVE = 0.2  # fixed
