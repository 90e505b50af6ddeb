"""Rows of gates: one that asks again has its time again; failures of a step are each told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from graphs.crew import Crew
from graphs.gates import make_gate
from graphs.recovery import recovery
from graphs.work import Work
from labcrew.deciding import settled
from labcrew.domain.review import Gate
from labcrew.judgement import Judge
from tests.desk.conftest import HandClock
from tests.doubles.bench import make_bench
from tests.doubles.embedder import WordEmbedder
from tests.tickets import make_assigned

TICKET = "T-0001"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def work(tmp_path: Path, clock: HandClock) -> Iterator[Work]:
    bench = replace(make_bench(tmp_path), clock=clock)
    assigned = make_assigned(gates={"expire_hours": 24})
    bench.ledger.tickets.put(assigned, actor="person:ada")
    crew = Crew.of(Judge(models={}), WordEmbedder())
    yield Work(bench=bench, crew=crew, rules=crew)
    bench.ledger.close()


def made(work: Work) -> Gate:
    return make_gate(
        work, work.assigned(TICKET), "plan", 0, title="?", description="?", shown={"plan": {}}
    )


def test_a_gate_that_asks_again_after_a_stop_has_its_time_again(
    work: Work, clock: HandClock
) -> None:
    gate = made(work)
    void = gate.model_copy(update={"status": "void"})
    work.ledger.gates.put(void, actor="person:ada", kind="gate.voided")
    clock.pass_(hours=72)
    again = work.reopened(gate.id)
    assert settled(work.ledger, clock, again) is None
    clock.pass_(hours=23)
    assert settled(work.ledger, clock, work.reopened(gate.id)) is None
    clock.pass_(hours=1)
    found = settled(work.ledger, clock, work.reopened(gate.id))
    assert found is not None
    assert (found.kind, found.by) == ("ignore", "expired")


async def test_two_failures_of_one_step_are_two_lines_and_one_run_again_is_one(work: Work) -> None:
    for problem in ("the engine has no room", "the log is gone", "the engine has no room"):
        await recovery(
            work, work.assigned(TICKET), "log_monitor", [problem], attempts=1, step="monitor/1"
        )
    told = [e.data["problems"] for e in work.ledger.events.of(TICKET) if e.kind == "agent.failed"]
    assert told == [["the engine has no room"], ["the log is gone"]]
