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
"""Share of the room above the baseline that is worth a change, where the rule has no least gain."""


def noise_floor(
    scale: Scale,
    a: Sequence[ScoredRun],
    b: Sequence[ScoredRun],
    rule: KeepRule,
    pairs: int,
    most: int = 100,
) -> NoiseFloor:
    """The noise of an evaluation, from an A/A comparison.

    Args:
        scale: of the scores.
        a: runs of the program.
        b: runs of the same program and cases with other seeds, as many.
        rule: how sure a gain must be.
        pairs: cases times seeds of a re-test, which is what decides.
        most: re-tests that there can be in the loop.
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
    steady = never_differs((*a, *b))
    level = level_at(1, rule, most)
    needs = z(level) + z(_POWER)
    worthwhile = rule.least_gain or _WORTHWHILE * room(scale, mean)
    # Random signs can't be surer than 1 in 2^pairs, however large the gain.
    fewest = 1 if steady else math.ceil(-math.log2(1 - level))
    needed = max(fewest, math.ceil((needs * std / worthwhile) ** 2)) if worthwhile else 0
    seen = needs * std / math.sqrt(pairs) if pairs >= fewest else math.inf
    if std == 0 and not steady:  # alike by luck: so many pairs at least must gain all there is
        seen = max(seen, fewest / pairs * room(scale, mean))
    return NoiseFloor(
        pairs=len(differences),
        std=std,
        case_std=pstdev([fmean(values) for values in first.values()]),
        mean=mean,
        difference=fmean(differences) if differences else 0.0,
        detectable=min(seen, scale.high - scale.low),
        needed=needed,
        worthwhile=worthwhile,
        deterministic=steady,
    )


def _by_case(runs: Sequence[ScoredRun]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        found[run.case].append(run.score)
    return dict(found)


def never_differs(runs: Sequence[ScoredRun]) -> bool:
    """Whether repeated runs are the same, in score and in output.

    That scores alone are equal proves nothing: a program that fails every task by other outputs
    each time is noisy, and shows it as soon as it is a little better.
    """
    found: dict[str, tuple[float, str]] = {}
    return all(
        found.setdefault(run.case, (run.score, run.output_sha256)) == (run.score, run.output_sha256)
        for run in runs
    )


def room(scale: Scale, mean: float) -> float:
    """The most that can be gained over a mean."""
    best = scale.high if scale.direction == "maximize" else scale.low
    return max(0.0, scale.gain(best, mean))


def hopeless(
    scale: Scale,
    noise: NoiseFloor,
    rule: KeepRule,
    budget: EvolutionBudget,
    run_s: float,
    cases: int = 1,
) -> str:
    """Why a loop should not begin, before it burns its budget; empty: it may.

    Args:
        scale: of the scores.
        noise: of its evaluation.
        rule: how sure a gain must be.
        budget: what it may spend.
        run_s: seconds of one run, on the whole.
        cases: of the gate split.
    """
    left = room(scale, noise.mean)
    if left == 0:
        return f"the program has the best score there is already ({noise.mean:g})"
    if noise.deterministic or noise.detectable < left:
        return ""
    both = 2 * noise.needed
    hours = both * run_s / budget.parallel / 3600
    seeds = math.ceil(noise.needed / max(1, cases))
    return (
        f"the evaluation is noisier than any gain: a re-test sees a gain of {noise.detectable:.3g}"
        f" 4 times in 5, and the most that could be gained is {left:.3g}. To see a gain of"
        f" {noise.worthwhile:.3g} would take {noise.needed} runs of each side, about {hours:.1f}"
        f" hours each time (keep.retest_seeds: {seeds}): raise it, add gate cases, or steady the"
        " program"
    )
