"""How sure a re-test must be, given how many there were: the more looks, the surer."""

from statistics import NormalDist

from labcrew.domain.evolution_spec import KeepRule

FILTER = 0.7
"""One-sided confidence of the first comparison. It chooses what is run again and keeps nothing, so
that it costs no confidence: re-tests have seeds of their own, or cases, and know nothing of it."""


def level_at(look: int, rule: KeepRule, most: int) -> float:
    """The one-sided confidence of a re-test.

    The rule's error is spent on re-tests in shares of 1, 1/2, 1/3 … (a harmonic spending function,
    as in Lan and DeMets 1983), so that over all of a loop's re-tests no change without a gain is
    kept with the rule's confidence (Bonferroni's inequality: however re-tests depend on each other,
    if none is of changes that its own scores had chosen).

    Args:
        look: the re-test's number, from 1.
        rule: whose confidence is spent.
        most: looks that there can be, at least `look`.
    """
    whole = sum(1 / n for n in range(1, max(look, most) + 1))
    return 1 - (1 - rule.confidence) / (look * whole)


def z(level: float) -> float:
    """The normal distribution's quantile."""
    return NormalDist().inv_cdf(min(level, 1 - 1e-15))
