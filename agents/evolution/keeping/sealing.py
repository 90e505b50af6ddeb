"""The sealed split: what the gate chose against the baseline, and what hindsight would say."""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from agents.evolution.keeping.compare import FEWEST_CASES, compare
from labcrew.domain.evolution import ScoredRun, Sealed
from labcrew.domain.evolution_spec import KeepRule, Scale


def unprovable(rule: KeepRule, cases: int) -> str:
    """Why the sealed split could prove no gain, however large; empty: it can.

    Args:
        rule: how sure a gain must be there, and how many runs a case has.
        cases: of the sealed split, of a program whose runs differ.
    """
    alike = cases >= FEWEST_CASES
    there = cases if alike else cases * rule.sealed_seeds
    # Random signs can't be surer than 1 in 2^runs.
    needed = math.ceil(-math.log2(1 - rule.confidence))
    if there >= needed:
        return ""
    what = "cases" if alike else "runs of each program"
    more = "add sealed cases"
    if not alike:
        more = f"set keep.sealed_seeds to {math.ceil(needed / cases)}, or {more}"
    return (
        f"the sealed split could prove no gain, however large: it has {there} {what}, and a"
        f" confidence of {rule.confidence:g} takes {needed}: {more}"
    )


def sealed_result(
    scale: Scale,
    rule: KeepRule,
    *,
    baseline: Sequence[ScoredRun],
    final: Sequence[ScoredRun],
    others: Sequence[Sequence[ScoredRun]],
    gate: float,
    deterministic: bool = False,
) -> Sealed:
    """The result on the sealed split, which was looked at once.

    Args:
        scale: which way is better.
        rule: whose confidence the bounds have.
        baseline: sealed runs of the program as it was.
        final: sealed runs of what the gate chose.
        others: sealed runs of every program that was opened, these two among them.
        gate: the final program's mean on the gate split.
        deterministic: repeated runs never differ.
    """
    means = [fmean(run.score for run in runs) for runs in others]
    old, new = (fmean(run.score for run in runs) for runs in (baseline, final))
    # Over cases where there are enough: that it carries over to others is what is asked here.
    comparison = compare(
        scale, baseline, final, rule.confidence, deterministic=deterministic, over="cases"
    )
    return Sealed(
        comparison=comparison,
        baseline=old,
        final=new,
        relative=scale.gain(new, old) / abs(old) if old else None,
        seeds=max(Counter(run.case for run in final).values()),
        hindsight=max(means, key=lambda mean: scale.gain(mean, 0.0)),
        opened=len(means),
        gate=gate,
    )
