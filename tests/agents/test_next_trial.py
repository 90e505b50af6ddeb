"""A model that chooses the next settings: within the space, nothing twice, and nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents.budget_used import spent
from agents.experiment_launcher import SAMPLED, ExperimentLauncher, PastFailure
from agents.next_trial import NEXT_TRIAL, NextTrialAnswer, NextTrialQuestion, TriedSettings
from labcrew.domain.experiment import Trial
from labcrew.domain.research import Suggestion
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Judge
from tests.doubles.chat import ScriptedChat
from tests.tickets import SPACE, failed, make_assigned, make_plan, scored

RULES = ExperimentLauncher(Judge(models={}))
ASSIGNED = make_assigned(seeds=(0, 1), budget={"trials": 20, "parallel": 2})


def says(**values: Any) -> dict[str, Any]:
    return {"values": values, "because": "the best so far lie there"}


def launcher(*answers: Any) -> tuple[ExperimentLauncher, ScriptedChat]:
    chat = ScriptedChat(*answers, name="big")
    return ExperimentLauncher(Judge(models={"experiment_launcher": chat}, attempts=1)), chat


def begun(assigned: AssignedTicket = ASSIGNED, **plan: Any) -> list[Trial]:
    return [scored(t, 0.5) for t in RULES.design(assigned, make_plan(**plan), [])]


async def chosen(
    trials: Sequence[Trial],
    *answers: Any,
    assigned: AssignedTicket = ASSIGNED,
    failures: Sequence[PastFailure] = (),
    **plan: Any,
) -> tuple[tuple[Trial, ...], tuple[Trial, ...], ScriptedChat]:
    """What was sampled, what came of it, and the model."""
    one, chat = launcher(*answers)
    sampled = one.design(assigned, make_plan(**plan), trials, failures)
    return sampled, await one.choose(assigned, trials, sampled, failures), chat


async def test_without_a_model_the_design_stands() -> None:
    trials = begun()
    sampled = RULES.design(ASSIGNED, make_plan(), trials)
    assert [t.because for t in sampled] == [SAMPLED] * 2
    assert await RULES.choose(ASSIGNED, trials, sampled) == sampled


async def test_a_model_chooses_settings_and_nothing_else() -> None:
    trials = begun()
    sampled, made, chat = await chosen(trials, says(lr=0.01, batch=8))
    assert [t.values for t in made] == [sampled[0].values, {"lr": 0.01, "batch": 8}]
    assert [t.because for t in made] == [SAMPLED, "model:big: the best so far lie there"]
    settled = {"values": {}, "because": ""}
    assert [t.model_copy(update=settled) for t in made] == [
        t.model_copy(update=settled) for t in sampled
    ]
    assert chat.purposes == [NEXT_TRIAL.name]
    question = NextTrialQuestion.model_validate_json(chat.asked[0][1].content)
    assert question.proposed == sampled[1].values
    assert [one.values for one in question.tried] == [sampled[0].values]
    assert question.baseline == 0.5
    assert question.runs_left == ASSIGNED.budget.trials - spent(trials) - 1


async def test_a_number_is_put_on_its_grid() -> None:
    space = SPACE | {"epochs": {"type": "int", "low": 1, "high": 31, "step": 5}}
    assigned = make_assigned(seeds=(0,), search_space=space, budget={"trials": 9, "parallel": 1})
    answer = says(lr=0.12345678, batch=8, epochs=12.0)
    trials = begun(assigned)
    trials += [scored(t, 0.6) for t in RULES.design(assigned, make_plan(), trials)]
    _, (made,), _ = await chosen(trials, answer, assigned=assigned)
    assert made.values == {"lr": 0.123457, "batch": 8, "epochs": 11}
    assert isinstance(made.values["epochs"], int)


@pytest.mark.parametrize(
    "values",
    [
        {"lr": 7.0, "batch": 8},
        {"lr": "0.1", "batch": 8},
        {"lr": True, "batch": 8},
        {"lr": 0.1, "batch": 9},
        {"lr": 0.1},
        {"lr": 0.1, "batch": 8, "seed": 3},
        {},
    ],
)
async def test_settings_outside_the_space_are_not_tried(values: Values) -> None:
    sampled, made, _ = await chosen(begun(), says(**values))
    assert made == sampled


async def test_nothing_is_tried_twice() -> None:
    trials = begun()
    again = says(lr=0.01, batch=8)
    sampled, made, _ = await chosen(trials, again)
    assert made[1].values == again["values"]
    trials += [scored(t, 0.7) for t in made]
    next_sampled, after, chat = await chosen(trials, again)
    assert after == next_sampled
    assert len(chat.asked) == 1
    # Nor what the sampler proposes for the run beside it.
    sampled, made, _ = await chosen(begun(), says(**sampled[0].values))
    assert made == sampled


async def test_settings_close_to_failed_ones_are_not_tried() -> None:
    elsewhere = PastFailure(trial="T-0000-003", values={"lr": 0.5, "batch": 8}, reason="nan")
    close = says(lr=0.51, batch=8)
    sampled, made, chat = await chosen(begun(), close, failures=(elsewhere,))
    assert made == sampled
    question = NextTrialQuestion.model_validate_json(chat.asked[0][1].content)
    assert NEXT_TRIAL.check(question, NextTrialAnswer.model_validate(close)) == (
        "settings as close as that have failed"
    )
    assert TriedSettings(values=elsewhere.values, failed=True) in question.tried
    assert "nan" not in chat.asked[0][1].content  # why it failed is text of a run
    trials = begun()
    trials += [failed(t) for t in (await chosen(trials, says(lr=0.5, batch=8)))[1]]
    sampled, made, chat = await chosen(trials, close)
    assert made == sampled
    assert len(chat.asked) == 1


async def test_a_model_that_is_wrong_costs_half_a_search() -> None:
    """However it goes, and whatever is restarted between."""
    assigned = make_assigned(seeds=(0,), budget={"trials": 23, "parallel": 3})
    one, _ = launcher(*(says(lr=round(0.04 * n, 3), batch=8) for n in range(1, 25)))
    trials = begun(assigned)
    while designed := one.design(assigned, make_plan(), trials):
        made = await one.choose(assigned, trials, designed)
        trials += [failed(t) if t.because.startswith("model:") else scored(t, 0.6) for t in made]
    why = [t.because for t in trials if t.kind == "search" and t.status != "skipped"]
    assert len(why) == 22
    assert 11 <= why.count(SAMPLED) < 15


async def test_baselines_suggestions_and_finalists_are_asked_of_nobody() -> None:
    wish = Suggestion(values={"lr": 0.03, "batch": 8}, because="a person says so", finding="")
    trials: list[Trial] = []
    one, chat = launcher(*(says(lr=round(0.05 * n, 3), batch=8) for n in range(1, 20)))
    while designed := one.design(ASSIGNED, make_plan(suggestions=(wish,)), trials):
        made = await one.choose(ASSIGNED, trials, designed)
        trials += [scored(t, float(t.values.get("lr", 0))) for t in made]
    ours = [t for t in trials if t.because.startswith("model:big")]
    assert len(chat.asked) == len(ours) > 3
    assert {t.kind for t in ours} == {"search"}
    assert {t.seed for t in ours} == {0}
    assert "a person says so" in [t.because for t in trials]
    assert {t.kind for t in trials} == {"baseline", "search", "finalist"}
    assert spent(trials) == ASSIGNED.budget.trials


async def test_of_a_long_search_the_best_and_the_newest_are_shown() -> None:
    assigned = make_assigned(seeds=(0,), budget={"trials": 200, "parallel": 1})
    trials = begun(assigned)
    for number in range(1, 91):
        values = {"lr": round(number / 100, 3), "batch": 8}
        trial = trials[0].model_copy(
            update={"id": f"T-0001-{number:03d}", "number": number, "kind": "search",
                    "values": values}
        )  # fmt: skip
        trials.append(scored(trial, 1 / number))
    trials[-1] = trials[-1].model_copy(update={"because": SAMPLED})
    sampled, made, chat = await chosen(trials, says(lr=0.45, batch=8), assigned=assigned)
    tried = NextTrialQuestion.model_validate_json(chat.asked[0][1].content).tried
    assert [one.values["lr"] for one in tried] == [
        round(n / 100, 3) for n in (*range(1, 21), *range(71, 91))
    ]
    # It was not shown that this was run, and it is not run again.
    assert made == sampled


def test_the_rule_is_the_sampler() -> None:
    question = NextTrialQuestion(
        title="t", question="q", metric="loss", direction="minimize", target=None,
        search_space=ASSIGNED.ticket.search_space, baseline=None, tried=(), runs_left=3, near=0.02,
        proposed={"lr": 0.25, "batch": 32},
    )  # fmt: skip
    answer = NEXT_TRIAL.rule(question)
    assert answer.values == question.proposed
    assert NEXT_TRIAL.check(question, answer) is None
    assert NEXT_TRIAL.reads(question) == ()
    strange = NextTrialAnswer(values={"hosts": "evil.example"}, because="")
    assert NEXT_TRIAL.check(question, strange) == (
        "there is no parameter 'hosts' in the search space"
    )
