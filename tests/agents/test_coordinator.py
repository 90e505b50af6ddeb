"""The coordinator's questions: rules, checks, and a forecast that adds up."""

from itertools import combinations
from typing import get_args

import pytest

from agents.coordinator import (
    MAX_ATTEMPTS,
    NEXT_MOVE,
    PLAN,
    RECOVERY,
    Coordinator,
    Move,
    MoveAnswer,
    MoveQuestion,
    PlanAnswer,
    RecoveryAnswer,
    RecoveryQuestion,
    forecast,
    without_rows,
)
from labcrew.domain.experiment import Plan
from labcrew.domain.research import Brief, DatasetCard, QuarantinedRow, Suggestion
from labcrew.judgement import Judge
from tests.doubles.chat import ScriptedChat
from tests.tickets import make_assigned, make_plan

RULES = Coordinator(Judge(models={}))
SUGGESTIONS = tuple(
    Suggestion(values={"lr": lr}, because="a paper says so", finding=f"F{n}")
    for n, lr in enumerate((0.1, 0.2))
)
BRIEF = Brief(ticket="T-0001", findings=("F0",), suggestions=SUGGESTIONS, searched=())
ROWS = tuple(
    QuarantinedRow(path="train.csv", row=n, check=check, reason="r", confidence=0.9)
    for n, check in enumerate(("duplicate", "duplicate", "missing_cell"))
)
CARD = DatasetCard(
    id="D", ticket="T-0001", path="train.csv", split="train", sha256="s", size_bytes=1, rows=9,
    columns=(), label="y", quarantined=ROWS,
)  # fmt: skip


async def written(coordinator: Coordinator = RULES) -> Plan:
    metric = {"name": "a", "direction": "maximize", "file": "m.jsonl", "target": 0.9}
    return await coordinator.plan(
        make_assigned(metric=metric), BRIEF, (CARD,), lessons=("learnt",), plan_id="T-0001-P0.0",
        environment="base image", environment_key="k",
    )  # fmt: skip


async def test_the_plan_says_all_that_a_person_decides_on() -> None:
    plan = await written()
    assert (plan.by, plan.suggestions, plan.quarantine) == ("rule", SUGGESTIONS, ROWS)
    assert "maximize a to 0.9" in plan.summary
    text = " ".join(plan.steps)
    for words in ("3 seeds", "3 rows", "2 duplicate, 1 missing_cell", "Try 2 settings", "14 runs"):
        assert words in text
    assert plan.recalled == ("learnt",)


async def test_without_literature_and_faults_the_plan_is_a_search() -> None:
    plan = await RULES.plan(
        make_assigned(), None, (), lessons=(), plan_id="P", environment="e", environment_key="k"
    )
    assert (plan.suggestions, plan.quarantine) == ((), ())
    assert "search settings against the baseline" in plan.summary


async def test_a_model_orders_suggestions_but_invents_none() -> None:
    answer = {"summary": "s", "steps": ["one"], "suggestion_order": [1, 1, 0]}
    plan = await written(Coordinator(Judge(models={"default": ScriptedChat(answer)})))
    assert (plan.by, plan.suggestions) == ("model:scripted", SUGGESTIONS[::-1])
    wrong = answer | {"suggestion_order": [2]}
    plan = await written(Coordinator(Judge(models={"default": ScriptedChat(wrong)})))
    assert plan.by == "rule"


def test_the_forecast_is_measured_or_an_upper_bound() -> None:
    budget = {"trials": 36, "parallel": 2, "usd_per_hour": 2.0, "hours": 8}
    measured = forecast(make_assigned(budget=budget), 100.0)
    assert (measured.hours, measured.cost_usd) == (0.5, 2.0)
    assert "measured" in measured.basis
    bound = forecast(make_assigned(budget=budget), None)
    assert (bound.hours, bound.cost_usd) == (8, 8 * 2 * 2.0), "two slots for 8 hours, no more"
    assert "upper bound" in bound.basis


MOVES: tuple[Move, ...] = get_args(Move)


@pytest.mark.parametrize(
    "legal", [c for n in range(1, len(MOVES) + 1) for c in combinations(MOVES, n)]
)
@pytest.mark.parametrize(
    ("gain", "met", "asked"), [(None, False, 0), (0.1, False, 0), (-1.0, False, 1), (0.1, True, 0)]
)
def test_the_rule_always_chooses_a_legal_move(
    legal: tuple[Move, ...], gain: float | None, met: bool, asked: int
) -> None:
    question = MoveQuestion(
        legal=legal, trials_left=0, hours_left=1, target_met=met, gain=gain, budget_asked=asked
    )
    answer = NEXT_MOVE.rule(question)
    assert answer.move in legal
    assert NEXT_MOVE.check(question, answer) is None
    if answer.move == "ask_budget" and len(legal) > 1:
        assert not met
        assert asked == 0


async def test_more_budget_is_asked_for_once_and_only_without_a_gain() -> None:
    def question(gain: float | None, asked: int) -> MoveQuestion:
        return MoveQuestion(
            legal=("ask_budget", "open_merge_request"),
            trials_left=0,
            hours_left=1,
            target_met=False,
            gain=gain,
            budget_asked=asked,
        )

    assert (await RULES.next_move(question(None, 0))).move == "ask_budget"
    assert (await RULES.next_move(question(None, 1))).move == "open_merge_request"
    assert (await RULES.next_move(question(0.1, 0))).move == "open_merge_request"
    illegal = MoveAnswer(move="finish", because="")
    assert "not among" in str(NEXT_MOVE.check(question(0.1, 0), illegal))


@pytest.mark.parametrize(
    ("attempts", "model", "action"),
    [(1, False, "restart"), (1, True, "restart"), (2, True, "reroute"), (2, False, "escalate"),
     (3, True, "escalate"), (9, False, "escalate")],
)  # fmt: skip
async def test_a_failed_agent(attempts: int, model: bool, action: str) -> None:
    question = RecoveryQuestion(
        agent="data_pipeline", problems=("p",), attempts=attempts, model_used=model
    )
    answer = await RULES.recover(question)
    assert answer.action == action
    assert RECOVERY.check(question, answer) is None
    again = RecoveryAnswer(action="restart", because="")
    assert (RECOVERY.check(question, again) is None) == (attempts < MAX_ATTEMPTS)


def test_a_person_takes_rows_back_in() -> None:
    plan = make_plan(quarantine=ROWS)
    assert without_rows(plan, frozenset({("train.csv", 1)})) == (ROWS[0], ROWS[2])
    assert without_rows(plan, frozenset({("other.csv", 1)})) == ROWS


def test_a_plans_check() -> None:
    answer = PlanAnswer(summary="s", steps=("x",), suggestion_order=(0,))
    from agents.coordinator import PlanQuestion

    question = PlanQuestion(
        title="t", question="", metric="m", direction="maximize", target=None, baseline_runs=3,
        search_runs=3, suggestions=(), quarantined={}, lessons=(), comment="",
    )  # fmt: skip
    assert PLAN.check(question, answer) is not None
    assert PLAN.check(question, PLAN.rule(question)) is None
