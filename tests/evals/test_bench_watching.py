"""The figures of watching, small: that they measure what they say."""

from evals.bench.incident_latency import incident_latency
from evals.bench.many_runs import many_runs


def test_every_incident_is_measured_and_none_before_its_write() -> None:
    figure = incident_latency(runs=5)
    assert figure.parts["incidents"] == 5
    assert figure.parts["bare_inotify_p95_ms"] > 0
    assert figure.parts["write_and_fsync_p95_ms"] > 0
    assert 0 < figure.parts["median_ms"] <= figure.value
    assert figure.bound in (5.0, 50.0)


def test_the_share_is_of_the_watching_process_alone() -> None:
    figure = many_runs(runs=4, seconds=2)
    assert 0 < figure.value < 100
    assert figure.parts["lines_told_of"] >= 4 * 5 * 2
    assert 20 < figure.parts["peak_mib"] < 1000
