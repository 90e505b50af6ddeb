"""Only a person raises what models may use, once for each decision, whatever is run again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphs.accounts import ticket_bounds
from graphs.crew import Crew
from graphs.gates import gate_id
from graphs.nodes.analysis import _ask_budget
from graphs.nodes.spending import (
    ask_spending,
    ask_steps,
    gate_spending,
    spending_gate,
    steps_gate,
)
from graphs.work import Work
from graphs.worker import Worker
from labcrew.deciding import decide
from labcrew.domain.chat import Tokens
from labcrew.domain.programming import ModelCall
from labcrew.domain.spending import Limits
from labcrew.judgement import Judge
from labcrew.settings import Settings
from tests.doubles.bench import make_bench
from tests.doubles.embedder import WordEmbedder
from tests.tickets import make_assigned

TICKET = "T-0001"
SETTINGS = Settings(spending={"merge_request": 500})


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    bench = make_bench(tmp_path)
    budget = {"model_tokens": 1000, "model_usd": 0.5, "steps": 10}
    bench.ledger.tickets.put(make_assigned(budget=budget), actor="person:ada")
    call = ModelCall(
        id=f"{TICKET}/call/000001",
        ticket=TICKET,
        agent="merge_request",
        purpose="programming.write_code",
        model="m",
        prompt_sha256="0" * 64,
        tokens=Tokens(prompt=900, completion=50),
        usd=None,
        duration_s=3.0,
        outcome="answered",
    )
    bench.ledger.model_calls.put(call, actor="merge_request")
    crew = Crew.of(Judge(models={}), WordEmbedder())
    yield Work(bench=bench, crew=crew, rules=crew)
    bench.ledger.close()


def ask(work: Work, round_: int = 0, because: str = "model_tokens allows 1,000: 950 used") -> str:
    ask_spending(work, work.assigned(TICKET), round_, because)
    return spending_gate(work.assigned(TICKET), round_)


def decided(work: Work, gate: str, kind: Any, edits: dict[str, Any] | None = None) -> str:
    decide(work.ledger, work.bench.clock, gate, kind, by="ada", edits=edits)
    answers = {gate_spending(work, gate) for _ in range(3)}  # the node is run again
    assert len(answers) == 1
    return answers.pop()


def test_the_gate_says_what_was_used(work: Work) -> None:
    gate = work.ledger.gates.get(ask(work))
    assert gate.kind == "budget"
    assert gate.safe_default == "ignore"
    assert "950 of 1,000 tokens, in 1 calls" in gate.description
    assert "950 of the tokens went to models without a price" in gate.description
    assert "merge_request: 950 tokens" in gate.description
    assert gate.shown["add"] == {"model_tokens": 1000, "model_usd": 0.5, "steps": 10}


def test_accept_is_the_same_again_once(work: Work) -> None:
    assert decided(work, ask(work), "accept") == "more"
    budget = work.assigned(TICKET).budget
    assert (budget.model_tokens, budget.model_usd, budget.steps) == (2000, 1.0, 20)
    assert budget.trials == make_assigned().budget.trials


def test_edit_changes_what_is_edited_alone(work: Work) -> None:
    gate = ask(work)
    work.update(TICKET, budget=work.assigned(TICKET).budget.model_copy(update={"hours": 99.0}))
    assert decided(work, gate, "edit", {"budget": {"model_tokens": 7000}}) == "more"
    budget = work.assigned(TICKET).budget
    assert (budget.model_tokens, budget.model_usd, budget.steps) == (7000, 0.5, 10)
    assert budget.hours == 99.0


def test_ignore_goes_on_without_a_model(work: Work) -> None:
    assert decided(work, ask(work), "ignore") == "finish"
    assert work.assigned(TICKET).budget.model_tokens == 1000


def writers(work: Work, settings: Settings = SETTINGS) -> Limits:
    return ticket_bounds(work.ledger, settings, TICKET).agents["merge_request"]


def exhausted(
    work: Work, most: float, measure: str = "tokens", agent: str = "merge_request"
) -> None:
    work.ledger.events.append(
        ticket=TICKET,
        actor="worker",
        kind="spending.exhausted",
        key=f"{TICKET}/spending/exhausted/{agent}/{measure}/{most}",
        data={"bound": "agent", "agent": agent, measure: most, "because": "used up"},
    )


def test_an_agents_own_bound_is_raised_with_it_once(work: Work) -> None:
    exhausted(work, 500)
    gate = ask(work)
    assert writers(work) == Limits(tokens=500)
    assert decided(work, gate, "accept") == "more"
    assert writers(work) == Limits(tokens=1000)
    exhausted(work, 1000)
    again = ask(work, round_=1)
    assert again != gate
    decide(work.ledger, work.bench.clock, again, "accept", by="ada")
    assert gate_spending(work, again) == "more"
    assert writers(work) == Limits(tokens=2000)
    assert work.ledger.verify() == []


@pytest.mark.parametrize("measure", ["usd", "seconds"])
def test_each_measure_of_an_agent_is_raised_alone(work: Work, measure: str) -> None:
    limits = Limits(tokens=500, usd=2.0, seconds=60)
    settings = Settings(spending={"merge_request": limits})
    exhausted(work, getattr(limits, measure), measure)
    assert decided(work, ask(work), "accept") == "more"
    twice = {measure: 2 * getattr(limits, measure)}
    assert writers(work, settings) == limits.model_copy(update=twice)


def test_nobody_is_asked_for_more_of_another_agent(work: Work) -> None:
    exhausted(work, 500, agent="coordinator")
    assert "agent" not in work.ledger.gates.get(ask(work)).shown


def test_where_time_was_used_up_accept_gives_time(work: Work) -> None:
    work.ledger.events.append(
        ticket=TICKET,
        actor="worker",
        kind="spending.exhausted",
        key=f"{TICKET}/spending/exhausted/seconds/1",
        data={"bound": "seconds", "because": "used up"},
    )
    hours = work.assigned(TICKET).budget.hours
    assert decided(work, ask(work), "accept") == "more"
    assert work.assigned(TICKET).budget.hours == 2 * hours


def test_a_bound_that_is_met_again_is_the_one_that_is_raised(work: Work) -> None:
    said = {"seconds": "seconds allows 28,800 s, and …", "model_tokens": "model_tokens allows 1"}
    for bound, because in said.items():
        work.ledger.events.append(
            ticket=TICKET,
            actor="worker",
            kind="spending.exhausted",
            key=f"{TICKET}/spending/exhausted/{bound}/1",
            data={"bound": bound, "because": because},
        )
    hours = work.assigned(TICKET).budget.hours
    again = ask(work, because="seconds allows 28,800 s, and runs took 4 s and …")
    assert decided(work, again, "accept") == "more"
    assert work.assigned(TICKET).budget.hours == 2 * hours


def test_bounds_follow_the_budget(work: Work) -> None:
    bounds = ticket_bounds(work.ledger, Settings(), TICKET)
    assert (bounds.tokens, bounds.usd, bounds.agents) == (1000, 0.5, {})
    assert bounds.seconds == pytest.approx(work.assigned(TICKET).budget.hours * 3600)
    assert bounds.runs_s == 0


def test_yes_gives_neither_models_nor_steps_and_runs_as_before(work: Work) -> None:
    worker = Worker(work.crew, work.bench, SETTINGS, holder="here", assume_yes=True)
    assigned = work.assigned(TICKET)
    ask_steps(work, assigned, 0, 10)
    _ask_budget(work, assigned, 0, "No run is left")
    for gate, kind in (
        (ask(work), "ignore"),
        (steps_gate(assigned, 0, 10), "ignore"),
        (gate_id(TICKET, "budget", 0, 0), "accept"),  # what was turned down was not given
    ):
        decision = worker._yes_to(work, work.ledger.gates.get(gate))
        assert decision is not None
        assert (decision.gate, decision.kind) == (gate, kind)
