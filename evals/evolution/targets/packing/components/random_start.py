"""
---
name: random-start
for: Begins with centres drawn anywhere.
needs: [start, COUNT]
put: replace function start
---
"""


def start(random):
    """Centres anywhere in the square."""
    return random.uniform(0.02, 0.98, (COUNT, 2))
