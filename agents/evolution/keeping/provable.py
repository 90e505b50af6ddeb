"""What the splits can prove at most: said before a loop burns its budget."""

from agents.evolution.keeping.looks import level_at
from agents.evolution.keeping.scope import fewest, least_cases, over_on_sealed, parts
from labcrew.domain.evolution_spec import KeepRule


def unkeepable(rule: KeepRule, cases: int, most: int) -> str:
    """Why no change of a program whose runs never differ could be kept; empty: it can.

    Args:
        rule: how sure a gain must be.
        cases: of the gate split.
        most: looks that there can be.
    """
    first, last = (fewest(level_at(look, rule, most)) for look in (1, most))
    sure = f"a confidence of {rule.confidence:g} over all looks takes {first} at the first"
    if rule.cases == "sample":
        held = len(parts(range(cases), parted=True)[1])
        if cases >= least_cases(first):
            return ""
        return (
            f"the program's runs never differ, so that other cases are what a gain must hold for,"
            f" and {cases} gate case{'s' * (cases != 1)} can't tell: {held} of them would be held"
            f" for re-tests, where {sure} and {last} at the last. Add gate cases"
            f" ({least_cases(first)} are enough at first, {least_cases(last)} to the last) or, if"
            " these are all that the program is for, set keep.cases to all"
        )
    if rule.retest_seeds >= first:
        return ""
    return (
        f"the program's runs never differ, and {rule.retest_seeds} of each case in a re-test can't"
        f" tell a gain from luck that a change brings in: {sure}. Set keep.retest_seeds to {last},"
        " which are enough to the last"
    )


def unprovable(rule: KeepRule, cases: int, *, deterministic: bool = False) -> str:
    """Why the sealed split could prove no gain, however large; empty: it can.

    Args:
        rule: how sure a gain must be there, and how many runs a case has.
        cases: of the sealed split.
        deterministic: repeated runs of the program never differ.
    """
    alike = over_on_sealed(rule, cases, deterministic=deterministic) == "cases"
    there = cases if alike else cases * rule.sealed_seeds
    needed = fewest(rule.confidence)
    if there >= needed:
        return ""
    what = "cases" if alike else "runs of each program"
    more = "add sealed cases"
    if not alike:
        more = f"set keep.sealed_seeds to {-(-needed // cases)}, or {more}"
    return (
        f"the sealed split could prove no gain, however large: it has {there} {what}, and a"
        f" confidence of {rule.confidence:g} takes {needed}: {more}"
    )
