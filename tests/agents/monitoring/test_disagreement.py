"""A printed metric against the evaluator's."""

import pytest

from agents.monitoring.disagreement import disagreement
from labcrew.domain.experiment import MetricPoint
from labcrew.domain.measuring import Metric

METRIC = Metric(name="val acc", direction="maximize", file="m.jsonl")


def points(*values: float) -> list[MetricPoint]:
    return [MetricPoint(name="val_acc", step=n, value=v) for n, v in enumerate(values)]


@pytest.mark.parametrize(
    ("printed", "score", "apart"),
    [
        ((0.8, 0.85, 0.9), 0.9, False),
        ((0.8, 0.85, 0.9), 0.86, False),
        ((0.8, 0.85, 0.9), 0.5, True),
        ((80, 85, 90), 0.9, False),
        ((80, 85, 90), 0.5, True),
        ((0.2, 0.9, 0.3), 0.5, False),
        ((), 0.5, False),
        ((1.02,), 0.98, False),
        ((1.001,), 0.999, False),
        ((1.02,), 0.5, True),
    ],
)
def test_far_apart_is_more_than_the_last_steps(
    printed: tuple[float, ...], score: float, apart: bool
) -> None:
    last = printed[-1] if printed else None
    found = disagreement(METRIC, last, points(*printed), score)
    assert (found is not None) == apart
    if found is not None:
        assert found.kind == "evaluation_disagrees"
        assert f"{score:g}" in found.diagnosis
