"""Two programs on the same cases and seeds: how much better one is, and how sure that is."""

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, stdev

from labcrew.domain.evolution import Comparison, ScoredRun
from labcrew.domain.evolution_spec import Scale
from labcrew.errors import EvidenceError

FEWEST_CASES = 5
"""From so many cases on a case is one observation, the mean over its seeds: that the gain holds for
other cases, not only for other seeds of these."""
_EXACT = 16
_DRAWS = 20_000


def compare(
    scale: Scale,
    champion: Sequence[ScoredRun],
    candidate: Sequence[ScoredRun],
    level: float,
    *,
    deterministic: bool = False,
) -> Comparison:
    """A paired comparison.

    The bounds are those of Student's t. A lower bound above zero must also stand up to a test of
    random signs (Fisher 1935), which assumes nothing of the scores' distribution: where few cases
    differ, as with scores of 0 and 1, t alone is too bold.

    Args:
        scale: which way is better.
        champion: runs of the one side.
        candidate: runs of the other, on the same cases and seeds.
        level: one-sided confidence of each bound, above 0.5 and below 1.
        deterministic: repeated runs never differ, so that a difference needs no interval.

    Raises:
        EvidenceError: the two sides did not run the same, or nothing.
    """
    differences = _differences(scale, champion, candidate)
    pairs = [value for values in differences.values() for value in values]
    by_case = len(differences) >= FEWEST_CASES
    units = [fmean(values) for values in differences.values()] if by_case else pairs
    gain = fmean(units)
    half = 0.0 if deterministic else _half(units, level)
    low, high = gain - half, gain + half
    if low > 0 and not deterministic and sign_flips(units) > 1 - level:
        low = min(low, 0.0)
    return Comparison(
        pairs=len(pairs),
        gain=gain,
        low=low,
        high=high,
        level=level,
        better=sum(value > 0 for value in pairs),
        worse=sum(value < 0 for value in pairs),
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
    from scipy.stats import t

    error = stdev(units) / math.sqrt(len(units))
    # No spread at all, in few observations, is luck as easily as truth: t knows no better.
    return float(t.ppf(level, len(units) - 1)) * error


def sign_flips(units: Sequence[float]) -> float:
    """How often random signs make a mean as high as this one; one-sided.

    Exact for up to 16 differences that are not zero, else by 20,000 draws from a fixed seed.
    """
    import numpy as np

    sizes = np.array([abs(value) for value in units if value != 0])
    if not len(sizes):
        return 1.0
    total = float(sum(units))
    if len(sizes) <= _EXACT:
        signs = np.array(list(itertools.product((-1, 1), repeat=len(sizes))))
        return float((signs @ sizes >= total - 1e-12).mean())
    draws = np.random.default_rng(0).integers(0, 2, (_DRAWS, len(sizes))) * 2 - 1
    return float(((draws @ sizes >= total - 1e-12).sum() + 1) / (_DRAWS + 1))
