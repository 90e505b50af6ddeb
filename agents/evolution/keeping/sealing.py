"""The sealed split: what the gate chose against the baseline, and what hindsight would say."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from agents.evolution.keeping.compare import compare
from agents.evolution.keeping.scope import exact, over_on_sealed
from labcrew.domain.evolution import ScoredRun, Sealed
from labcrew.domain.evolution_spec import KeepRule, Scale


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
        deterministic: repeated runs of the program as it began never differed.
    """
    means = [fmean(run.score for run in runs) for runs in others]
    old, new = (fmean(run.score for run in runs) for runs in (baseline, final))
    seeds = max(Counter(run.case for run in final).values())
    cases = len({run.case for run in final})
    comparison = compare(
        scale, baseline, final, rule.confidence,
        exact=exact(rule, seeds, rule.confidence, deterministic=deterministic),
        over=over_on_sealed(rule, cases, deterministic=deterministic),
    )  # fmt: skip
    return Sealed(
        comparison=comparison,
        baseline=old,
        final=new,
        relative=scale.gain(new, old) / abs(old) if old else None,
        seeds=seeds,
        hindsight=max(means, key=lambda mean: scale.gain(mean, 0.0)),
        opened=len(means),
        gate=gate,
    )
