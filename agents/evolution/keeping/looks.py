"""How sure a re-test must be, given how many there were: the more looks, the surer."""

from statistics import NormalDist

from agents.evolution.keeping.scope import over_on_gate
from labcrew.domain.evolution_spec import KeepRule

FILTER = 0.7
"""One-sided confidence of the first comparison. It chooses what is run again and keeps nothing, so
that it costs no confidence: re-tests have seeds of their own, and know nothing of it."""


def look_of(rule: KeepRule, *, number: int, retests: int, deterministic: bool) -> int:
    """Which look a re-test is.

    Re-tests are counted, but where runs never differ and the cases are a sample: a re-test there
    sees the cases of the first comparison again, so that being chosen by it is no independent
    filter, and every round that could have been chosen counts. That is enough for changes made
    blindly. Where a proposer learns from the gate means of earlier rounds, what it proposes was
    chosen by the very scores that are tested: luck is kept more often than the confidence allows
    (`python -m evals.evolution.keeping` says how often), and the sealed split alone tells.

    Args:
        rule: says what the cases are.
        number: the round's.
        retests: that there were before.
        deterministic: repeated runs of the program as it began never differed.
    """
    if over_on_gate(rule, deterministic=deterministic) == "cases":
        return number
    return retests + 1


def level_at(look: int, rule: KeepRule, most: int) -> float:
    """The one-sided confidence of a re-test.

    The rule's error is spent on re-tests in shares of 1, 1/2, 1/3 … (a harmonic spending function,
    as in Lan and DeMets 1983), so that over all of a loop's re-tests no change without a gain is
    kept with the rule's confidence (Bonferroni's inequality: however re-tests depend on each other,
    if none is of changes that its own scores had chosen).

    Args:
        look: the re-test's number, from 1, see `look_of`.
        rule: whose confidence is spent.
        most: looks that there can be, at least `look`.
    """
    whole = sum(1 / n for n in range(1, max(look, most) + 1))
    return 1 - (1 - rule.confidence) / (look * whole)


def z(level: float) -> float:
    """The normal distribution's quantile."""
    return NormalDist().inv_cdf(min(level, 1 - 1e-15))
