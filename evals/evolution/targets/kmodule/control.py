"""Random search for the hidden modules: how many tries it takes, by simulation and by the formula.

Usage: python -m evals.evolution.targets.kmodule.control
"""

from random import Random
from statistics import median

from evals.evolution.targets.kmodule.hidden import OPTIONS, hidden


def tries(seed: int, most: int = 100_000) -> int:
    """Draws with replacement, each of the 625 as likely, until the hidden one is drawn."""
    random, wanted = Random(f"random search {seed}"), hidden(seed)
    for number in range(1, most + 1):
        drawn = {place: random.choice(modules) for place, modules in OPTIONS.items()}
        if drawn == wanted:
            return number
    return most


def share_within(limit: int) -> float:
    """The chance that so many draws hold the hidden one."""
    count = 1
    for modules in OPTIONS.values():
        count *= len(modules)
    return 1 - (1 - 1 / count) ** limit


if __name__ == "__main__":
    each = [tries(seed) for seed in range(1000)]
    print(f"median of 1,000: {median(each):.0f} tries")
    print(f"found within 100: {sum(one <= 100 for one in each) / len(each):.1%}", end=" ")
    print(f"(expected {share_within(100):.1%})")
