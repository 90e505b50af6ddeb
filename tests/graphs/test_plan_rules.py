"""A plan is held against the lab's rules before a person is asked about it."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime

from graphs.crew import Crew
from graphs.nodes.preparation import plan
from graphs.work import Work
from labcrew.domain.experiment import Forecast, Plan
from labcrew.domain.review import Gate
from labcrew.judgement import Judge
from labcrew.skills.parsing import parsed
from tests.doubles.bench import make_assigned, make_bench
from tests.doubles.embedder import WordEmbedder

RULES = parsed(
    """\
---
name: spending
rules:
  - type: budget_at_most
    trials: 2
    must: true
  - text: Read the <b>paper</b> first.
    must: true
  - Spend at most 1000 hours.
---
Be thrifty.
""",
    "spending.md",
)
PLAN = Plan(
    id="T1-P0.0",
    ticket="T1",
    revision=0,
    summary="Try what helps.",
    steps=("Run it",),
    suggestions=(),
    quarantine=(),
    environment="as it is",
    environment_key="k",
    forecast=Forecast(trials=1, hours=1, cost_usd=0, basis="a guess"),
    by="rule",
)


async def gate_of(folder: Path, *skills: Any, trials: int = 20) -> tuple[Gate, list[str]]:
    """The plan's gate, and the kinds of the lines that were written."""
    bench = make_bench(folder, skills=skills)
    crew = Crew.of(Judge(models={}), WordEmbedder())
    assigned = make_assigned()
    budget = assigned.budget.model_copy(update={"trials": trials})
    with bench.ledger:
        bench.ledger.tickets.put(assigned.model_copy(update={"budget": budget}), actor="person:ada")
        bench.ledger.plans.put(PLAN, actor="coordinator", kind="plan.written")
        work = Work(bench=bench, crew=crew, rules=crew)
        state: Any = {"ticket": "T1", "revision": 0}
        for _ in range(2):  # a re-run of the step changes nothing
            await plan(state, Runtime(context=work))
        (gate,) = bench.ledger.gates.of("T1")
        return gate, [event.kind for event in bench.ledger.events.of("T1")]


async def test_breaches_are_shown_and_written_down(tmp_path: Path) -> None:
    gate, kinds = await gate_of(tmp_path, RULES)
    shown = gate.shown["rules"]
    assert [(one["line"], one["outcome"]) for one in shown] == [(4, "broken"), (7, "unchecked")]
    told = [line for line in gate.description.splitlines() if line.startswith("A rule of the lab")]
    assert len(told) == 2
    assert told[0].startswith("A rule of the lab must be kept: ")
    assert "trials: 20, not 2" in told[0]
    assert "unchecked" in told[1]
    assert "<b>" not in gate.description
    assert kinds.count("skills.checked") == 1
    assert kinds.count("skill.rule_broken") == 2


@pytest.mark.parametrize("skills", [(), (RULES,)])
async def test_a_plan_that_keeps_them_says_nothing(tmp_path: Path, skills: Any) -> None:
    if skills:
        (skill,) = skills
        skills = (skill.model_copy(update={"advice": ()}),)
    gate, _ = await gate_of(tmp_path, *skills, trials=2)
    assert "rules" not in gate.shown
    assert "A rule of the lab" not in gate.description
