"""How much good an intervention did, from what followed."""

from labcrew.domain.experiment import Trial
from labcrew.domain.measuring import Metric

_CLOSE, _FAR = 0.02, 0.10
_COST = 0.2


def score(metric: Metric, before: Trial, after: Trial) -> float:
    """How well a run went after an intervention, from 0 (failed) to 1.

    1 is for a run that was scored no more than 2% below the best value that it or the run before
    showed, 0.5 for one up to 10% below, 0.2 for a worse one. Up to 0.2 is taken off for the share
    of its time that was spent again. Any rule that ranks "well", "poorly" and "not at all" would
    do; this one is stated so that the numbers can be read.

    Args:
        before: the run that the intervention was about.
        after: the run that came of it; the same one where it was let go on.
    """
    if after.status != "scored" or after.score is None:
        return 0.0
    shown = [
        r.best
        for r in (before.result, after.result)
        if r is not None and r.best is not None and _alike(r.best, after.score.value)
    ]
    quality = 1.0
    if shown:
        best = max(shown) if metric.direction == "maximize" else min(shown)
        behind = metric.gain(best, after.score.value) / max(abs(best), 1e-12)
        quality = 1.0 if behind <= _CLOSE else 0.5 if behind <= _FAR else 0.2
    return round(max(0.0, quality - _COST * _again(before, after)), 4)


def _again(before: Trial, after: Trial) -> float:
    """The share of both runs' time that was thrown away."""
    if before.id == after.id or before.result is None or after.result is None:
        return 0.0
    lost = before.result.duration_s if not after.rescue.checkpoint else 0.0
    whole = before.result.duration_s + after.result.duration_s
    return lost / whole if whole > 0 else 0.0


def _alike(a: float, b: float) -> bool:
    """Whether two values can be of one scale: a program may print percent."""
    return a == b or (a * b > 0 and 0.05 < abs(a / b) < 20)
