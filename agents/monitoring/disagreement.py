"""Whether what a run printed of itself agrees with what the evaluator says of its outputs."""

import itertools
from collections.abc import Sequence

from labcrew.domain.experiment import MetricPoint
from labcrew.domain.measuring import Metric
from labcrew.domain.monitoring import Alarm

_SHARE, _SPREADS, _RECENT = 0.1, 3.0, 6


def disagreement(
    metric: Metric, reported: float | None, points: Sequence[MetricPoint], score: float
) -> Alarm | None:
    """An alarm where the last printed value is far from the evaluator's.

    Far is more than a tenth of the larger one and three times the step that the printed values
    last moved by: a run may print its metric a little before its end. What agrees when it is read
    as percent agrees.

    Args:
        reported: the last value that the run printed; None: it printed none.
        points: what it printed over time.
        score: the evaluator's value of the same metric on validation.
    """
    if reported is None:
        return None
    names = {metric.name, metric.name.replace(" ", "_")}
    recent = [p.value for p in points if p.name in names][-_RECENT:]
    moved = max((abs(b - a) for a, b in itertools.pairwise(recent)), default=0.0)
    percent = abs(score) <= 1 < abs(reported) <= 100
    for scale in (1.0, 0.01) if percent else (1.0,):
        apart, size = abs(scale * reported - score), max(abs(scale * reported), abs(score))
        if apart <= _SHARE * size or apart <= _SPREADS * scale * moved:
            return None
    return Alarm(
        kind="evaluation_disagrees",
        diagnosis=f"it printed {metric.name} {reported:.6g} at last, the evaluator says"
        f" {score:.6g}",
        confidence=0.9,
        subject=metric.name,
    )
