"""The plot of an escalation: numbers are a log's own, and none of them may end a ticket."""

import math
from pathlib import Path

import pytest

from graphs.crew import Crew
from graphs.nodes.responding import _plot
from graphs.work import Work
from labcrew.domain.experiment import Incident, MetricPoint
from labcrew.judgement import Judge
from tests.doubles.bench import make_assigned, make_bench
from tests.doubles.embedder import WordEmbedder


@pytest.mark.parametrize(
    "values",
    [(1.0, 0.5, 0.7), (1e308, -1e308), (5e-324, 1e99, -1e99), (math.nan, 1.0), (math.inf,), ()],
)
@pytest.mark.parametrize("step", [None, 2, 2**60])
def test_any_numbers_are_drawn_or_left_out(
    tmp_path: Path, values: tuple[float, ...], step: int | None
) -> None:
    bench = make_bench(tmp_path)
    crew = Crew.of(Judge(models={}), WordEmbedder())
    work, assigned = Work(bench=bench, crew=crew, rules=crew), make_assigned()
    incident = Incident(
        id="T1-000-metric-jump", ticket="T1", trial="T1-000", kind="metric_jump", evidence=(),
        diagnosis="loss leapt", step=step, at_s=1,
    )  # fmt: skip
    points = [MetricPoint(name="loss", step=n, value=v) for n, v in enumerate(values)]
    drawn = _plot(work, assigned, incident, points)
    if not values:
        assert drawn == ""
    elif drawn:
        file = bench.home.artefacts(assigned.id) / drawn
        assert file.read_bytes().rstrip().endswith(b"</svg>")
    assert drawn or values != (1.0, 0.5, 0.7)
