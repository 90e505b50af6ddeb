"""An evaluation that is broken off: what has ended stands, is counted, and is not made again."""

import asyncio
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from graphs.evolution import evaluating
from graphs.evolution.loop import Loop
from labcrew.domain.evolution import Evolution, RawRun
from labcrew.errors import EngineError
from tests.doubles.bench import FixedClock
from tests.graphs.evolution.lab import Lab, Scripted, lab_at, make_spec, program
from tools.evolution.run_candidate import RunCandidate
from tools.toolbox import Tool, Workbench

BETTER = program(0.8)
BUDGET = {"rounds": 1, "parallel": 1}
_LONG_S = 30


class Ticking(FixedClock):
    """A clock on which a second passes between two looks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return lab_at(tmp_path, monkeypatch)


def fails_at(lab: Lab, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The engine fails once, at a run with this number."""
    run, begun = lab.runs.run, [0]

    def failing(
        call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        for job in call.jobs:
            begun[0] += 1
            if begun[0] == number:
                raise EngineError("the engine is gone")
            yield from run(call.model_copy(update={"jobs": (job,)}), evolution, bench)

    monkeypatch.setattr(evaluating, "run_candidate", Tool("run_candidate", RunCandidate, failing))


@pytest.mark.parametrize("at", [4, 20, 40])
def test_what_has_ended_is_not_made_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    spec = make_spec(lab.target, budget=BUDGET)
    started, unharmed = lab.start(spec), lab.start(spec)
    expected = lab.advance(unharmed.id, [Scripted(BETTER)])
    lab.runs.ran.clear()
    fails_at(lab, monkeypatch, at)
    with pytest.raises(EngineError):
        lab.advance(started.id, [Scripted(BETTER)])
    ledger = lab.bench.ledger
    assert len(ledger.ended_runs.of(started.id)) == at - 1 == len(lab.runs.ran)
    assert ledger.evolutions.get(started.id).model_tokens == 3 * (at - 1)
    ended = lab.advance(started.id, [Scripted(BETTER)])
    assert len(lab.runs.ran) == len(set(lab.runs.ran)) == expected.model_tokens / 3
    assert ended.model_tokens == expected.model_tokens
    scores = [
        {(run.code, run.case, run.seed): run.score for run in ledger.scored_runs.of(id)}
        for id in (started.id, unharmed.id)
    ]
    assert scores[0] == scores[1]
    assert ended.status == "done"


def test_a_run_whose_output_is_gone_is_made_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = lab.start(make_spec(lab.target, budget=BUDGET))
    fails_at(lab, monkeypatch, 4)
    with pytest.raises(EngineError):
        lab.advance(started.id, [Scripted(BETTER)])
    lost = lab.bench.ledger.ended_runs.of(started.id)[1]
    (lab.bench.home.outputs(started.id, "raw") / lost.output_sha256).unlink()
    assert lab.advance(started.id, [Scripted(BETTER)]).status == "done"
    assert len(lab.runs.ran) == len(set(lab.runs.ran)) + 1


def test_what_a_run_took_counts_when_it_ends(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.bench = replace(lab.bench, clock=Ticking())
    started = lab.start(make_spec(lab.target, budget=BUDGET))
    run, seen = lab.runs.run, list[Evolution]()

    def looking(
        call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        for left in run(call, evolution, bench):
            yield left
            seen.append(lab.bench.ledger.evolutions.get(started.id))

    monkeypatch.setattr(evaluating, "run_candidate", Tool("run_candidate", RunCandidate, looking))
    lab.advance(started.id, [Scripted(BETTER)])
    counted = [(e.seconds, e.evaluated_seconds, e.model_tokens) for e in seen]
    assert counted == sorted(set(counted))
    assert [tokens for _, _, tokens in counted] == [3 * n for n in range(1, len(counted) + 1)]


def test_a_run_that_takes_long_is_counted_while_it_lasts(lab: Lab) -> None:
    bench = replace(lab.bench, clock=Ticking())
    lab.bench = bench
    started = lab.start(make_spec(lab.target, budget=BUDGET))
    counted = threading.Event()

    def long(call: RunCandidate) -> None:
        """Lasts until the ledger has some of its time."""
        lab.runs.before = lambda call: None
        before = bench.ledger.evolutions.get(started.id).evaluated_seconds
        for _ in range(_LONG_S * 100):
            if bench.ledger.evolutions.get(started.id).evaluated_seconds > before:
                counted.set()
                return
            threading.Event().wait(0.01)

    lab.runs.before = long
    lab.advance(started.id, [Scripted(BETTER)], lease_s=0.3)
    assert counted.is_set()


def test_a_verification_makes_its_runs_anew(lab: Lab) -> None:
    """No word of the loop's account, and none of its records, is of a run that proves it."""
    started = lab.start(make_spec(lab.target, budget=BUDGET))
    ended = lab.advance(started.id, [Scripted(BETTER)])
    loop = Loop(id=started.id, bench=lab.bench, proposers=())
    wanted = evaluating.every(loop.cases("sealed"), loop.seeds("rerun", 1))
    before, kept = len(lab.runs.ran), lab.bench.ledger.ended_runs.count(started.id)
    for _ in range(2):
        asyncio.run(evaluating.run_and_score(loop, ended.champion, wanted, "rerun"))
    assert len(lab.runs.ran) == before + 2 * len(wanted)
    assert lab.bench.ledger.ended_runs.count(started.id) == kept
    assert lab.bench.ledger.evolutions.get(started.id) == ended
