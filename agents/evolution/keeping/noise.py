"""What chance alone does: the program against itself, and the gains that this hides."""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, pstdev, stdev

from agents.evolution.keeping.looks import level_at, z
from labcrew.domain.evolution import NoiseFloor, ScoredRun
from labcrew.domain.evolution_spec import EvolutionBudget, KeepRule, Scale

_POWER = 0.8
_WORTHWHILE = 0.25


def noise_floor(
    scale: Scale,
    a: Sequence[ScoredRun],
    b: Sequence[ScoredRun],
    rule: KeepRule,
    pairs: int,
) -> NoiseFloor:
    """The noise of an evaluation, from an A/A comparison.

    Args:
        scale: of the scores.
        a: runs of the program.
        b: runs of the same program and cases with other seeds, as many.
        rule: how sure a gain must be.
        pairs: cases times seeds of a re-test, which is what decides.
    """
    first, second = _by_case(a), _by_case(b)
    differences = [
        scale.gain(x, y)
        for case in sorted(first)
        for x, y in zip(first[case], second.get(case, ()), strict=False)
    ]
    std = stdev(differences) if len(differences) > 1 else 0.0
    scores = [run.score for run in (*a, *b)]
    mean = fmean(scores)
    needs = z(level_at(1, rule, 1)) + z(_POWER)
    worthwhile = rule.least_gain or _WORTHWHILE * room(scale, mean)
    needed = math.ceil((needs * std / worthwhile) ** 2) if worthwhile else 0
    return NoiseFloor(
        pairs=len(differences),
        std=std,
        case_std=pstdev([fmean(values) for values in first.values()]),
        mean=mean,
        difference=fmean(differences) if differences else 0.0,
        detectable=needs * std / math.sqrt(pairs),
        needed=max(1, needed) if worthwhile else 0,
        worthwhile=worthwhile,
        deterministic=_never_differs((*a, *b)),
    )


def _by_case(runs: Sequence[ScoredRun]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        found[run.case].append(run.score)
    return dict(found)


def _never_differs(runs: Sequence[ScoredRun]) -> bool:
    return all(len(set(scores)) == 1 for scores in _by_case(runs).values())


def room(scale: Scale, mean: float) -> float:
    """The most that can be gained over a mean."""
    best = scale.high if scale.direction == "maximize" else scale.low
    return max(0.0, scale.gain(best, mean))


def hopeless(
    scale: Scale, noise: NoiseFloor, rule: KeepRule, budget: EvolutionBudget, run_s: float
) -> str:
    """Why a loop should not begin, before it burns its budget; empty: it may.

    Args:
        scale: of the scores.
        noise: of its evaluation.
        rule: how sure a gain must be.
        budget: what it may spend.
        run_s: seconds of one run, on the whole.
    """
    left = room(scale, noise.mean)
    if left == 0:
        return f"the program has the best score there is already ({noise.mean:g})"
    if noise.detectable <= left:
        return ""
    hours = 2 * noise.needed * run_s / budget.parallel / 3600
    return (
        f"the evaluation is noisier than any gain: a re-test sees a gain of {noise.detectable:.3g}"
        f" 4 times in 5, and the most that can be gained is {left:.3g}. To see a gain of"
        f" {noise.worthwhile:.3g} takes {noise.needed} runs of each side, about {hours:.1f} hours"
        " each time: raise keep.retest_seeds, add gate cases, or steady the program"
    )
