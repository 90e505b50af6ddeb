"""The figures of reading logs, small: that they measure what they say."""

from pathlib import Path

import pytest

from evals.bench.log_reading import log_figures, write
from tools.logs.reader import LogReader


def test_every_metric_line_is_read_and_memory_is_measured() -> None:
    sparse, dense, memory = log_figures(rounds=2, size=2_000_000)
    for figure in (sparse, dense):
        assert figure.parts["read_s"] > 0
        assert figure.parts["grep_s"] > 0
        assert figure.value == pytest.approx(figure.parts["grep_s"] / figure.parts["read_s"])
    assert sparse.bound == 0.25
    assert sparse.parts["metric_lines"] < dense.parts["metric_lines"]
    assert memory.parts["GB"] == pytest.approx(0.02, rel=0.1)
    assert memory.holds
    # The peak is of this whole process, whatever it did before; the figure is its growth.
    assert memory.parts["peak_MiB"] > 20


def test_a_sparse_log_is_passed_over(tmp_path: Path) -> None:
    metrics = write(tmp_path / "log", 3_000_000, every=100)
    reader = LogReader()
    found = list(reader.feed((tmp_path / "log").read_bytes(), 0.0))
    assert sum("loss" in seen.numbers for seen in found) == metrics
    assert reader.passed_over > 0.9 * reader.lines
