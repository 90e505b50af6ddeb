"""What a bound is over: other runs of the same cases, other cases, or neither."""

import math
from collections.abc import Sequence
from typing import Literal, TypeVar

from labcrew.domain.evolution_spec import KeepRule

Over = Literal["seeds", "cases"]
"""seeds: a pair is an observation; cases: a case's mean is."""

_Case = TypeVar("_Case")

FEWEST_CASES = 5
"""With fewer cases than this, those of a noisy program say no more than their seeds."""

SHOWN = 3
"""One gate case of so many is shown, where they are parted."""
FEWEST_SHOWN = 2
"""Of one case no first look could say that a change is better."""


def over_on_gate(rule: KeepRule, *, deterministic: bool) -> Over:
    """What a gain on the gate split must hold for.

    Where runs differ, other runs of its cases, as the re-test makes them. Where they never do,
    chance is in the choice of the cases, unless those are all there is.
    """
    return "cases" if deterministic and rule.cases == "sample" else "seeds"


def parts(cases: Sequence[_Case], *, parted: bool) -> tuple[tuple[_Case, ...], tuple[_Case, ...]]:
    """The gate cases of first comparisons, which are shown, and those of re-tests, which are held.

    Where chance is in the choice of the cases, a re-test on those of the first comparison would
    bring its scores again, by which the change was chosen: by the first look, and by a proposer
    that learnt from earlier ones. So a re-test has cases of its own there, as it has seeds of its
    own elsewhere (a holdout, as in Dwork et al. 2015).

    Args:
        cases: of the gate split, in an order that says nothing.
        parted: chance is in the choice of the cases.
    """
    shown = max(1, len(cases) // SHOWN) if parted else len(cases)
    return tuple(cases[:shown]), tuple(cases[shown:] if parted else cases)


def least_cases(held: int) -> int:
    """The fewest gate cases that hold so many, and show enough."""
    return max(SHOWN * FEWEST_SHOWN, held + max(1, (held - 1) // (SHOWN - 1)))


def over_on_sealed(rule: KeepRule, cases: int, *, deterministic: bool) -> Over:
    """What a gain on the sealed split must hold for: other cases, where it can be told."""
    sampled = rule.cases == "sample"
    return "cases" if sampled and (deterministic or cases >= FEWEST_CASES) else "seeds"


def bounds_told(rule: KeepRule, cases: int, *, deterministic: bool) -> str:
    """What the bounds of a sealed gain are over, in words for a reader.

    Args:
        rule: says what the cases are.
        cases: of the sealed split.
        deterministic: repeated runs of the program as it began never differed.
    """
    these = f"the {cases} sealed case{'s' * (cases != 1)}"
    if over_on_sealed(rule, cases, deterministic=deterministic) == "cases":
        return f"The bounds are over the means of {these}: they hold for other such cases."
    if rule.cases == "all":
        return f"The bounds are over runs of {these}, which are all there is."
    return f"The bounds are over runs of {these} alone: so few say nothing of other cases."


def fewest(level: float) -> int:
    """Observations without which nothing is that sure: random signs are all alike 1 in 2^n."""
    return math.ceil(-math.log2(1 - level))


def exact(rule: KeepRule, runs: int, level: float, *, deterministic: bool) -> bool:
    """Whether a difference needs no bound, if no run differs: every case ran often enough.

    A change may bring chance into a program that had none. Of two outputs that are as likely, so
    many runs all show the same one no more often than the level allows.

    Args:
        rule: says what the cases are.
        runs: of each case, by either side.
        level: one-sided confidence.
        deterministic: repeated runs of the program as it began never differed.
    """
    return deterministic and rule.cases == "all" and runs >= fewest(level)
