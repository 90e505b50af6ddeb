"""Two programs on the same cases and seeds: how much better one is, and how sure that is."""

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, stdev

from agents.evolution.keeping.scope import Over
from agents.evolution.keeping.signs import largest_gain, sign_flips
from labcrew.domain.evolution import Comparison, ScoredRun
from labcrew.domain.evolution_spec import Scale
from labcrew.errors import EvidenceError


def compare(
    scale: Scale,
    champion: Sequence[ScoredRun],
    candidate: Sequence[ScoredRun],
    level: float,
    *,
    exact: bool = False,
    over: Over = "seeds",
) -> Comparison:
    """A paired comparison.

    The bounds are those of Student's t, but whether the lower one is above zero is for a test of
    random signs to say (see `sign_flips`), which assumes nothing of the scores' distribution. Where
    few pairs differ, as with scores of 0 and 1, t is too bold, and where all differ by the same, it
    sees no noise at all. Where every pair gains and one of them much more than the others, it is
    too shy; the lower bound is then the largest gain that random signs rule out.

    Args:
        scale: which way is better.
        champion: runs of the one side.
        candidate: runs of the other, on the same cases and seeds.
        level: one-sided confidence of each bound, above 0.5 and below 1.
        exact: a difference needs no interval where no case's runs differ, in score or output.
        over: what the bounds generalise to. "seeds": other runs of these very cases; a pair is an
            observation. "cases": other cases; a case's mean is one.

    Raises:
        EvidenceError: the two sides did not run the same, or nothing.
    """
    differences = _differences(scale, champion, candidate)
    pairs = [value for values in differences.values() for value in values]
    by_case = over == "cases"
    units = [fmean(values) for values in differences.values()] if by_case else pairs
    exact = exact and not by_case and never_differs(champion) and never_differs(candidate)
    gain = fmean(units)
    half = 0.0 if exact else _half(units, level)
    low, high = gain - half, gain + half
    if not exact:
        surely = sign_flips(units) <= 1 - level
        if low > 0 and not surely:
            low = 0.0
        elif low <= 0 and surely:
            low = largest_gain(units, 1 - level)
    return Comparison(
        pairs=len(pairs),
        gain=gain,
        low=low,
        high=high,
        level=level,
        better=sum(value > 0 for value in pairs),
        worse=sum(value < 0 for value in pairs),
    )


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


def _differences(
    scale: Scale, champion: Sequence[ScoredRun], candidate: Sequence[ScoredRun]
) -> dict[str, list[float]]:
    """Case → how much better the candidate was, a seed each."""
    old = {(run.case, run.seed): run.score for run in champion}
    new = {(run.case, run.seed): run.score for run in candidate}
    if not old or old.keys() != new.keys():
        missing = sorted(old.keys() ^ new.keys())[:1]
        raise EvidenceError(
            "Two programs can be compared on the same cases and seeds alone"
            + (f"; only one of them ran {missing[0][0]}." if missing else "; none was run.")
        )
    found: dict[str, list[float]] = defaultdict(list)
    for (case, seed), score in sorted(new.items()):
        found[case].append(scale.gain(score, old[case, seed]))
    return dict(found)


def _half(units: Sequence[float], level: float) -> float:
    if len(units) < 2:
        return math.inf
    return student(level, len(units) - 1) * stdev(units) / math.sqrt(len(units))


@lru_cache(maxsize=1024)
def student(level: float, freedom: int) -> float:
    """Student's t at a one-sided level."""
    from scipy.stats import t

    return float(t.ppf(level, freedom))
