"""The benchmark's own arithmetic, its timing adapters, and its table."""

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.bench.figures import Figure, Report, keep, median, show, this_machine
from evals.bench.ticket import TicketCost, growth, overhead
from evals.bench.timing import Stopwatch, TimedMemory, TimedTracker, covered
from evals.lab import NoMemory, NoTracker
from labcrew.domain.experiment import TrackedRun
from tests.tickets import make_trial

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda p: (min(p), max(p))))


@given(SPANS, st.integers(0, 15), st.integers(15, 30))
def test_overlapping_spans_count_once(spans: list[tuple[int, int]], low: int, high: int) -> None:
    seconds = sum(
        any(began <= second < ended for began, ended in spans) for second in range(low, high)
    )
    assert covered([(float(a), float(b)) for a, b in spans], (low, high)) == seconds


def test_calls_are_timed_from_any_thread() -> None:
    watch = Stopwatch()
    tracker, memory = TimedTracker(NoTracker(), watch), TimedMemory(NoMemory(), watch)
    run = TrackedRun(trial=make_trial(1), title="t")
    threads = [threading.Thread(target=tracker.record, args=("e", run)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory.remember([])
    memory.clear()
    assert memory.recall("trials", "q") == []
    assert memory.count("trials") == 0
    with watch.running():
        time.sleep(0.01)
    assert len(watch.spans) == 9
    assert watch.spans[-1][1] - watch.spans[-1][0] >= 0.01


def cost(trials: int, size: int) -> TicketCost:
    return TicketCost(
        trials=trials,
        trial_phase_s=10,
        sandbox_s=6,
        tracking_s=3.6,
        own_s=0.4,
        remembering_s=0.1,
        ledger_bytes=size,
        checkpoints_bytes=size,
        memory_bytes=size,
    )


def test_figures_hold_or_do_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, bytes_ = overhead(cost(20, 1000)), growth(cost(20, 1000), cost(40, 2300))
    assert (round(own.value, 6), own.holds) == (20.0, True)
    assert (round(bytes_.value, 6), bytes_.bound, bytes_.holds) == (2.3, 2.2, False)
    report = Report(machine=this_machine(), figures=(own, bytes_))
    show(report)
    assert "NO" in capsys.readouterr().out
    file = keep(report, tmp_path / "results", "bench.json")
    assert Report.model_validate_json(file.read_text()) == report
    assert str(tmp_path) not in file.read_text()
    assert median([3, 1, 2]) == 2
    assert Figure(name="f", value=1, unit="ms", bound=1, parts={}).holds
