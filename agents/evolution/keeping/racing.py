"""Candidates that are clearly behind after half the cases are not run on the rest."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from agents.evolution.keeping.compare import student
from labcrew.domain.evolution import NoiseFloor, ScoredRun
from labcrew.domain.evolution_spec import Scale

FEWEST = 4
LEVEL = 0.95
"""Of a gain of 0.05 on eight tasks passed or failed, one in a hundred is dropped by it."""


def clearly_behind(
    scale: Scale,
    champion: Sequence[ScoredRun],
    candidate: Sequence[ScoredRun],
    noise: NoiseFloor,
) -> str:
    """Why a candidate is dropped; empty: it runs on.

    It is where none of its runs came to an end that counts, while most of the champion's did; or
    where the upper bound of its gain, one-sided at 95%, is below zero (a race, Maron and
    Moore 1994). The spread is what its pairs show, and never less than what chance alone does.

    Args:
        scale: which way is better.
        champion: runs on the first half of the cases.
        candidate: runs on the same.
        noise: of the evaluation.
    """
    old = {(run.case, run.seed): run.score for run in champion}
    gains = [scale.gain(run.score, old[run.case, run.seed]) for run in candidate]
    if len(gains) < FEWEST:
        return ""
    fine = sum(run.status == "ok" for run in champion)
    if 2 * fine > len(champion) and all(run.status != "ok" for run in candidate):
        return f"none of {len(gains)} runs worked: {candidate[0].status.replace('_', ' ')}"
    spread = max(stdev(gains), noise.std)
    high = fmean(gains) + student(LEVEL, len(gains) - 1) * spread / math.sqrt(len(gains))
    if high >= 0:
        return ""
    return (
        f"clearly behind after {len(gains)} of the runs: {fmean(gains):+.3g}, {high:+.3g} at best"
    )
