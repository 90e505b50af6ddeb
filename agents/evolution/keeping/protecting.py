"""Protected cases: what they score must not fall, whatever the mean gains."""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from statistics import fmean, stdev

from agents.evolution.keeping.looks import z
from labcrew.domain.evolution import NoiseFloor, ScoredRun
from labcrew.domain.evolution_spec import Scale

_FALSE_ALARM = 0.05


def lost(
    scale: Scale,
    noise: NoiseFloor,
    champion: Sequence[ScoredRun],
    candidate: Sequence[ScoredRun],
    protected: Collection[str],
) -> str:
    """Which protected case became worse, and by how much; empty: none did.

    A case's mean may not fall at all where the champion's runs of it never differed. Else it may
    not fall by more than chance does, 19 times in 20 over all protected cases (Bonferroni): by the
    spread of its own runs, or of all cases' where that is smaller. A case that the champion never
    failed and the candidate never passed is lost, however few its pairs.

    Args:
        scale: which way is better.
        noise: of the evaluation.
        champion: all runs of the one side.
        candidate: all runs of the other, on the same cases and seeds.
        protected: cases.
    """
    old, new = _by_case(champion), _by_case(candidate)
    watched = sorted(case for case in set(protected) if case in old)
    for case in watched:
        if case not in new:
            return f"protected {case} was not run"
        fell = -scale.gain(fmean(new[case]), fmean(old[case]))
        sure = z(1 - _FALSE_ALARM / len(watched))
        allowed = sure * _spread(old[case], noise) / math.sqrt(len(old[case]))
        wholly = set(new[case]) == {scale.worst} and scale.worst not in old[case]
        if fell > allowed or (fell > 0 and wholly):
            return f"protected {case} became worse, by {fell:.3g}" + (
                f" where chance takes {allowed:.3g}" if allowed else ""
            )
    return ""


def _spread(scores: Sequence[float], noise: NoiseFloor) -> float:
    """What two runs of a case differ by (standard deviation), as its own runs show it at most."""
    own = stdev(scores) if len(scores) > 1 else 0.0
    return min(math.sqrt(2) * own, noise.std)


def _by_case(runs: Sequence[ScoredRun]) -> dict[str, list[float]]:
    scores: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        scores[run.case].append(run.score)
    return dict(scores)
