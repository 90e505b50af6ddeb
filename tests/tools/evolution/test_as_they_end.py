"""Runs are told as they end, whatever becomes of others; a pause keeps back what has not begun."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from labcrew.domain.evolution import Evolution, Job, RawRun
from labcrew.errors import EngineError
from tests.graphs.evolution.lab import Lab, lab_at, make_spec, program
from tools.evolution import run_candidate as running
from tools.evolution.run_candidate import RunCandidate, run_candidate
from tools.toolbox import Workbench

_WAIT_S = 30


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A home with a loop, E-001, and sandboxes that start and go at once."""
    made = lab_at(tmp_path, monkeypatch)
    made.start(make_spec(made.target, budget={"parallel": 2}))
    monkeypatch.setattr(running, "_start", lambda spec, bench: None)
    monkeypatch.setattr(running, "_remove", lambda name, bench: None)
    return made


def runs_do(patch: pytest.MonkeyPatch, what: Callable[[Job], None]) -> None:
    """Has each run do that."""

    def ran(name: str, job: Job, evolution: Evolution, bench: Workbench) -> RawRun:
        what(job)
        return RawRun(job=job, status="ok", seconds=0.1)

    patch.setattr(running, "_ran", ran)


def call(*aliases: str, until_halted: bool = False) -> RunCandidate:
    jobs = tuple(Job(case="gate-0", alias=alias, input={}, seed=1) for alias in aliases)
    return RunCandidate(
        files=program(0.5), jobs=jobs, image="image", parallel=2, until_halted=until_halted
    )


def test_a_run_is_told_while_another_lasts(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    def last(job: Job) -> None:
        if job.alias == "a":
            assert told.wait(_WAIT_S)

    runs_do(monkeypatch, last)
    evolution = lab.bench.ledger.evolutions.get("E-001")
    order = []
    for run in run_candidate.run(call("a", "b"), evolution, lab.bench):
        order.append(run.job.alias)
        told.set()
    assert order == ["b", "a"]


def test_what_is_under_way_at_an_error_is_told_before_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=_WAIT_S)
    failed = threading.Event()

    def fail(job: Job) -> None:
        both.wait()
        if job.alias == "a":
            failed.set()
            raise EngineError("the engine is gone")
        assert failed.wait(_WAIT_S)

    runs_do(monkeypatch, fail)
    evolution = lab.bench.ledger.evolutions.get("E-001")
    runs = run_candidate.run(call("a", "b"), evolution, lab.bench)
    told: list[RawRun] = []
    with pytest.raises(EngineError):
        told.extend(runs)
    assert [run.job.alias for run in told] == ["b"]


@pytest.mark.parametrize("until_halted", [True, False])
def test_a_pause_keeps_those_back_that_have_not_begun(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, until_halted: bool
) -> None:
    monkeypatch.setattr(running, "at_once", lambda *_: 1)
    lab.bench.ledger.evolutions.put(
        lab.bench.ledger.evolutions.get("E-001").model_copy(update={"status": "running"}),
        actor="test",
    )

    def pause(job: Job) -> None:
        if job.alias == "b":
            lab.evolutions.pause("E-001", "ada")

    runs_do(monkeypatch, pause)
    evolution = lab.bench.ledger.evolutions.get("E-001")
    runs = run_candidate.run(call(*"abcd", until_halted=until_halted), evolution, lab.bench)
    told = [run.job.alias for run in runs]
    assert told == (["a", "b"] if until_halted else ["a", "b", "c", "d"])
