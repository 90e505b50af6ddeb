"""
---
name: good-ones-by-root
for: Takes as many trials for good as the root of their number says.
needs: [good_trials]
put: replace function good_trials
---
"""


def good_trials(count: int) -> int:
    """How many of so many trials are taken for the good ones.

    A square root, as in hyperopt (Bergstra et al. 2013, "Making a science of model search").
    """
    return min(math.ceil(ROOTS * math.sqrt(count)), 25)


ROOTS = 0.5  # 0.25..2.0
