"""What chance alone does: the program against itself, and the gains that this hides."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from statistics import NormalDist, fmean, pstdev, stdev

from agents.evolution.keeping.compare import never_differs, student
from agents.evolution.keeping.looks import FILTER, level_at
from agents.evolution.keeping.scope import fewest, over_on_gate
from labcrew.domain.evolution import NoiseFloor, ScoredRun
from labcrew.domain.evolution_spec import KeepRule, Scale

_POWER = 0.8
_LIKELY = 20
"""Values that stand for all that a standard deviation may be."""
_FEW_PAIRS = 10
"""With fewer, a standard deviation may be far from what was measured."""
_MOST_PAIRS = 10**9
_WORTHWHILE = 0.25
"""Share of the room above the baseline that is worth a change, where the rule has no least gain."""


def noise_floor(
    scale: Scale,
    a: Sequence[ScoredRun],
    b: Sequence[ScoredRun],
    rule: KeepRule,
    most: int = 100,
) -> NoiseFloor:
    """The noise of an evaluation, from an A/A comparison.

    Args:
        scale: of the scores.
        a: runs of the program.
        b: runs of the same program and cases with other seeds, as many.
        rule: how sure a gain must be, and on how many seeds.
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
    worthwhile = rule.least_gain or _WORTHWHILE * room(scale, mean)
    least = 1 if steady else fewest(level)
    pairs, whole = len(first) * rule.retest_seeds, scale.high - scale.low
    likely, step = _likely(std, len(differences)), _step(scores)

    def is_kept(gain: float, retest_pairs: int) -> bool:
        looked = math.ceil(retest_pairs * rule.seeds / rule.retest_seeds)
        found = [power(gain, one, looked, retest_pairs, level, step) for one in likely]
        return fmean(found) >= _POWER

    needed = _smallest(least, lambda many: is_kept(worthwhile, many)) if worthwhile else 0
    seen = whole * _least(lambda share: is_kept(share * whole, pairs)) if std else 0.0
    if pairs < least:
        seen = math.inf
    if std == 0 and not steady:  # alike by luck: so many pairs at least must gain all there is
        seen = max(seen, least / pairs * room(scale, mean))
    return NoiseFloor(
        pairs=len(differences),
        std=std,
        case_std=pstdev([fmean(values) for values in first.values()]),
        mean=mean,
        difference=fmean(differences) if differences else 0.0,
        detectable=min(seen, whole),
        needed=needed,
        worthwhile=worthwhile,
        deterministic=steady,
        parted=over_on_gate(rule, deterministic=steady) == "cases",
    )


def at_first_looks(
    floor: NoiseFloor, runs: Sequence[ScoredRun], shown: Collection[str]
) -> NoiseFloor:
    """The same with the mean of the cases that first looks see, where the gate's are parted.

    Args:
        floor: over all gate cases.
        runs: of both sides.
        shown: the cases of first looks, if they are parted.
    """
    if not floor.parted:
        return floor
    mean = fmean(run.score for run in runs if run.case in shown)
    return floor.model_copy(update={"mean": mean})


def power(
    gain: float, std: float, first: int, retest: int, level: float, step: float = 0.0
) -> float:
    """The share of changes with a gain that are kept: chosen at first sight, and confirmed.

    Both as tests of normally distributed means, with a correction for continuity; what racing and
    a stop for futility lose is left out.

    Args:
        gain: true mean of a pair.
        std: standard deviation of a pair.
        first: pairs of the first comparison.
        retest: pairs of the re-test.
        level: the re-test's one-sided confidence.
        step: what scores differ by at least.
    """
    if std == 0:
        return float(gain > 0)
    if min(first, retest) < 2:
        return 0.0
    passed = [
        NormalDist().cdf(
            (gain - step / (2 * pairs)) * math.sqrt(pairs) / std - student(sure, pairs - 1)
        )
        for pairs, sure in ((first, FILTER), (retest, level))
    ]
    return math.prod(passed)


def _likely(std: float, pairs: int) -> tuple[float, ...]:
    """Standard deviations that may stand behind the one that was measured, each as likely."""
    if std == 0 or pairs < 2:
        return (std,)
    from scipy.stats import chi2

    shares = [(n + 0.5) / _LIKELY for n in range(_LIKELY)]
    return tuple(std * math.sqrt((pairs - 1) / chi2.ppf(share, pairs - 1)) for share in shares)


def _step(scores: Sequence[float]) -> float:
    values = sorted(set(scores))
    return min((b - a for a, b in pairwise(values)), default=0.0)


def _least(enough: Callable[[float], bool]) -> float:
    """The least share of a whole that is enough; infinite: not even all of it is."""
    if not enough(1.0):
        return math.inf
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _smallest(least: int, enough: Callable[[int], bool]) -> int:
    """The least number from `least` on that is enough; 0: none that anybody would run."""
    low, high = least - 1, least
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST_PAIRS:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _by_case(runs: Sequence[ScoredRun]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        found[run.case].append(run.score)
    return dict(found)


def room(scale: Scale, mean: float) -> float:
    """The most that can be gained over a mean."""
    best = scale.high if scale.direction == "maximize" else scale.low
    return max(0.0, scale.gain(best, mean))


def hopeless(
    scale: Scale,
    noise: NoiseFloor,
    rule: KeepRule,
    run_s: float,
    cases: int = 1,
    parallel: int = 1,
) -> str:
    """Why a loop should not begin, before it burns its budget; empty: it may.

    Args:
        scale: of the scores.
        noise: of its evaluation.
        rule: how sure a gain must be.
        run_s: seconds of one run, on the whole.
        cases: of the gate split.
        parallel: runs at once.
    """
    left = room(scale, noise.mean)
    if left == 0:
        return f"the program has the best score there is already ({noise.mean:g})"
    if rule.least_gain > left:
        return (
            f"nothing can be kept: over the program's mean of {noise.mean:.3g}, {left:.3g} is the"
            f" most that could be gained, and keep.least_gain asks for {rule.least_gain:g}: lower"
            " it"
        )
    if noise.deterministic or noise.detectable < left:
        return ""
    both = 2 * noise.needed
    hours = both * run_s / parallel / 3600
    seeds = math.ceil(noise.needed / max(1, cases))
    first = math.ceil(seeds * rule.seeds / rule.retest_seeds)
    doubt = ""
    if noise.std and noise.pairs < _FEW_PAIRS:
        doubt = (
            f". The noise itself is known from {noise.pairs} pairs of runs, and taken for what it"
            f" may be: more of them (keep.noise_seeds: {math.ceil(_FEW_PAIRS / max(1, cases))})"
            " would tell it better"
        )
    return (
        f"the evaluation is noisier than any gain: one of {noise.detectable:.3g} is kept 4 times in"
        f" 5, and the most that could be gained is {left:.3g}. To see a gain of"
        f" {noise.worthwhile:.3g} would take a re-test of {noise.needed} runs of each side, about"
        f" {hours:.1f} hours each time (keep.seeds: {first}, keep.retest_seeds: {seeds}): raise"
        f" them, add gate cases, or steady the program{doubt}"
    )
