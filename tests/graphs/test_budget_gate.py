"""More budget for runs: what a person gave stands, and nothing begins once the hours are spent."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime

from graphs.crew import Crew
from graphs.gates import make_gate
from graphs.nodes.analysis import _move_question, analyse, gate_budget
from graphs.nodes.monitoring import monitor_trials
from graphs.nodes.trials import design_trials, hours_left, launch_trials
from graphs.work import Work
from graphs.worker import Worker
from labcrew.deciding import decide
from labcrew.domain.budget import Budget
from labcrew.domain.experiment import NO_HOURS_LEFT
from labcrew.domain.research import Suggestion
from labcrew.domain.sandbox import SandboxStatus
from labcrew.judgement import Judge
from labcrew.settings import Settings
from tests.doubles.bench import make_bench
from tests.doubles.embedder import WordEmbedder
from tests.doubles.faulty import Around
from tests.tickets import make_assigned, make_plan, make_result, make_trial

TICKET = "T-0001"
BUDGET = {"trials": 4, "hours": 1, "parallel": 1, "model_tokens": 1000}


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    bench = make_bench(tmp_path)
    bench.ledger.tickets.put(make_assigned(budget=BUDGET), actor="person:ada")
    bench.ledger.plans.put(make_plan(), actor="coordinator")
    crew = Crew.of(Judge(models={}), WordEmbedder())
    yield Work(bench=bench, crew=crew, rules=crew, tick_s=0.01)
    bench.ledger.close()


def asked(work: Work, round_: int = 0) -> str:
    """The gate that asks for more runs and hours."""
    budget = work.assigned(TICKET).budget
    return make_gate(
        work,
        work.assigned(TICKET),
        "budget",
        round_,
        title="More budget?",
        description="?",
        shown={"add": {"trials": 4, "hours": 1.0}, "budget": budget.model_dump(mode="json")},
    ).id


def given_elsewhere(work: Work, **changes: Any) -> None:
    budget = work.assigned(TICKET).budget.model_copy(update=changes)
    work.update(TICKET, actor="person:bob", kind="ticket.budget", budget=budget)


async def through(work: Work) -> Budget:
    state: Any = {"ticket": TICKET, "revision": 0, "budget_round": 0}
    for _ in range(2):  # the node is run again after a crash
        await gate_budget(state, Runtime(context=work))
    return work.assigned(TICKET).budget


@pytest.mark.parametrize("kind", ["accept", "edit"])
async def test_what_was_given_elsewhere_meanwhile_stays(work: Work, kind: Any) -> None:
    gate = asked(work)
    given_elsewhere(work, model_tokens=9000, parallel=3)
    edits = {"budget": {"trials": 6}} if kind == "edit" else {}
    decide(work.ledger, work.bench.clock, gate, kind, by="ada", edits=edits)
    given_elsewhere(work, model_usd=5.0)
    budget = await through(work)
    assert (budget.trials, budget.hours) == ((6, 1) if kind == "edit" else (8, 2))
    assert (budget.model_tokens, budget.parallel, budget.model_usd) == (9000, 3, 5.0)


async def test_accept_takes_nothing_back_of_what_was_given_already(work: Work) -> None:
    gate = asked(work)
    given_elsewhere(work, trials=50)
    decide(work.ledger, work.bench.clock, gate, "accept", by="ada")
    budget = await through(work)
    assert (budget.trials, budget.hours) == (50, 2)


def test_yes_gives_more_once_and_not_for_ever(work: Work) -> None:
    worker = Worker(work.crew, work.bench, Settings(), holder="here", assume_yes=True)
    kinds = []
    for round_ in range(3):
        decision = worker._yes_to(work, work.ledger.gates.get(asked(work, round_)))
        assert decision is not None
        kinds.append(decision.kind)
    assert kinds == ["accept", "ignore", "ignore"]


async def test_once_the_hours_are_spent_no_run_of_a_batch_begins(work: Work) -> None:
    hour = make_result().model_copy(update={"duration_s": 3600.0})
    first = make_trial(0, 0.5, kind="baseline", values={}, result=hour)
    work.ledger.trials.put(first.model_copy(update={"result": hour}), actor="log_monitor")
    planned = make_trial(1, kind="baseline", values={}, seed=1)
    work.ledger.trials.put(planned, actor="experiment_launcher")
    runtime, state = Runtime(context=work), dict[str, Any](ticket=TICKET, budget_round=0)
    assert await monitor_trials(state, runtime) == {"route": "design_trials"}  # type: ignore[arg-type]
    assert await design_trials(state, runtime) == {"route": "analyse"}  # type: ignore[arg-type]
    assert await analyse(state, runtime) == {"route": "gate_budget"}  # type: ignore[arg-type]
    given_elsewhere(work, hours=3)
    assert await design_trials(state, runtime) == {"route": "launch_trials"}  # type: ignore[arg-type]


async def test_a_step_that_was_cut_off_after_it_asked_asks_the_same_again(work: Work) -> None:
    scored = make_result().model_copy(update={"duration_s": 3600.0})
    first = make_trial(0, 0.5, kind="baseline", values={}, result=scored)
    work.ledger.trials.put(first.model_copy(update={"result": scored}), actor="log_monitor")
    runtime, state = Runtime(context=work), dict[str, Any](ticket=TICKET, budget_round=0)
    for _ in range(2):
        assert await analyse(state, runtime) == {"route": "gate_budget"}  # type: ignore[arg-type]
    (gate,) = work.ledger.gates.of(TICKET)
    decide(work.ledger, work.bench.clock, gate.id, "accept", by="ada")
    assert await analyse(state, runtime) == {"route": "gate_budget"}  # type: ignore[arg-type]


async def test_what_was_planned_is_left_out_once_no_more_hours_are_given(work: Work) -> None:
    hour = make_result().model_copy(update={"duration_s": 3600.0})
    first = make_trial(0, 0.5, kind="baseline", values={}, result=hour)
    work.ledger.trials.put(first.model_copy(update={"result": hour}), actor="log_monitor")
    planned = make_trial(1, kind="baseline", values={}, seed=1)
    work.ledger.trials.put(planned, actor="experiment_launcher")
    runtime, state = Runtime(context=work), dict[str, Any](ticket=TICKET, budget_round=0)
    assert await analyse(state, runtime) == {"route": "gate_budget"}  # type: ignore[arg-type]
    assert work.ledger.trials.get(planned.id).status == "planned"
    (gate,) = work.ledger.gates.of(TICKET)
    decide(work.ledger, work.bench.clock, gate.id, "ignore", by="ada")
    state |= await gate_budget(state, runtime)  # type: ignore[arg-type]
    assert (await analyse(state, runtime))["route"] == "close"  # type: ignore[arg-type]
    left = work.ledger.trials.get(planned.id)
    assert (left.status, left.because) == ("skipped", "not run: the hours were spent")


def test_what_a_person_asked_for_is_untried_until_it_has_run(work: Work) -> None:
    wanted = make_trial(1, values={"lr": 0.05, "batch": 16})
    asked_for = Suggestion(values=wanted.values, because="asked for", finding="")
    plan = make_plan(id="T-0001-P0.1", suggestions=(asked_for,))
    work.ledger.plans.put(plan, actor="coordinator")
    left = wanted.model_copy(update={"status": "skipped", "because": NO_HOURS_LEFT})
    ran = wanted.model_copy(update={"status": "failed"})
    for trial, untried in ((wanted, 1), (left, 1), (ran, 0)):
        question = _move_question(work, work.assigned(TICKET), [trial], 0)
        assert question.untried == untried


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def test_runs_side_by_side_count_once_whatever_parallel_is_now() -> None:
    hour = make_result(duration_s=3600.0)
    trials = [
        make_trial(0, status="scored", result=hour, started_at=BEGAN),
        make_trial(1, status="failed", result=hour, started_at=BEGAN + timedelta(minutes=30)),
        make_trial(2, status="scored", result=hour, started_at=BEGAN + timedelta(days=2)),
    ]
    for parallel in (1, 2, 16):
        assigned = make_assigned(budget={"hours": 4, "parallel": parallel})
        assert hours_left(assigned, trials) == 1.5


def test_a_run_under_way_counts_until_now() -> None:
    assigned, now = make_assigned(budget={"hours": 4}), BEGAN + timedelta(hours=3)
    trial = make_trial(0, status="running", started_at=BEGAN)
    assert hours_left(assigned, [trial], now) == 1
    assert hours_left(assigned, [trial], BEGAN - timedelta(days=1)) == 4  # the clock was set back
    assert hours_left(assigned, [trial]) == 4
    older = make_trial(1, status="scored", result=make_result(duration_s=3600.0))
    assert hours_left(assigned, [trial, older], now) == 0.5  # of two at once, as they were counted


async def test_a_run_that_is_launched_says_since_when_it_runs(work: Work) -> None:
    trial, name = make_trial(0, kind="baseline", values={}), "t-0001-000-trial"
    work.ledger.trials.put(trial, actor="experiment_launcher")
    payload = {"trial": trial.id, "container": name}
    work.ledger.intend(f"{trial.id}/start", TICKET, payload)  # killed once its container ran
    up = SandboxStatus(name=name, state="running")
    bench = replace(work.bench, sandboxes=Around(None, status=lambda name: up))
    state: Any = {"ticket": TICKET}
    await launch_trials(state, Runtime(context=replace(work, bench=bench)))
    began = work.ledger.trials.get(trial.id)
    assert (began.status, began.started_at) == ("running", work.bench.clock.now())
