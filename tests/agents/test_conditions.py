"""Parameters that count only beside certain choices of others."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.experiment_launcher import design_problems
from agents.sampler import asked, completed, study_of
from labcrew.domain.experiment import Trial
from labcrew.domain.search_space import applies, legal, parents_first
from tests.tickets import make_assigned, make_ticket, make_trial, scored

SPACE: dict[str, dict[str, Any]] = {
    "momentum": {"type": "float", "low": 0, "high": 0.99, "when": {"optimizer": ["sgd"]}},
    "nesterov": {"type": "choice", "choices": [True, False], "when": {"optimizer": ["sgd"]}},
    "damping": {"type": "float", "low": 0, "high": 1, "step": 0.1, "when": {"nesterov": [False]}},
    "optimizer": {"type": "choice", "choices": ["sgd", "adam"]},
}
ASSIGNED = make_assigned(search_space=SPACE)
PARSED = ASSIGNED.ticket.search_space


def fits(values: dict[str, Any]) -> bool:
    wanted = {name for name, parameter in PARSED.items() if applies(parameter, values)}
    return set(values) == wanted and all(legal(PARSED[n], v) for n, v in values.items())


@settings(max_examples=8)
@given(st.integers(1, 14))
def test_optuna_is_asked_only_for_what_counts(count: int) -> None:
    tried: list[Trial] = []
    for number in range(count):
        values = asked(study_of(ASSIGNED, tried), PARSED)
        assert fits(values)
        trial = make_trial(number, values=values)
        assert design_problems(ASSIGNED, tried, [trial]) == []
        tried.append(scored(trial, number / 10))
    assert len(study_of(ASSIGNED, tried).trials) == count


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "momentum": st.floats(0, 0.99),
            "nesterov": st.booleans(),
            "damping": st.just(0.3),
            "optimizer": st.sampled_from(["sgd", "adam"]),
        },
    ),
    st.text(),
)
def test_a_suggestion_is_completed_with_what_counts(values: dict[str, Any], salt: str) -> None:
    complete = completed(PARSED, values, salt)
    assert fits(complete)
    if "optimizer" not in values and "momentum" in values:
        assert complete["optimizer"] == "sgd"


def test_parents_stand_first_and_idle_values_are_a_problem() -> None:
    assert parents_first(PARSED) == ("optimizer", "momentum", "nesterov", "damping")
    trial = make_trial(0, values={"optimizer": "adam", "momentum": 0.5})
    assert "sets momentum beside" in design_problems(ASSIGNED, [], [trial])[0]


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ({"solver": ["sgd"]}, "'solver', which is not in the search_space"),
        ({"optimizer": ["rmsprop"]}, "'rmsprop' is not one of optimizer's choices, sgd, adam"),
        ({"optimizer": []}, "needs at least one"),
        ({"damping": [1]}, "must be of type choice, not float"),
        ({"nesterov": [True]}, "depends on itself"),
    ],
)
def test_a_condition_without_sense_is_refused(when: dict[str, Any], told: str) -> None:
    space = SPACE | {"nesterov": SPACE["nesterov"] | {"when": when}}
    with pytest.raises(ValidationError, match="(?s)" + told):
        make_ticket(search_space=space)


def test_a_flag_must_be_true_or_false() -> None:
    with pytest.raises(ValidationError, match="must be a choice of true and false"):
        make_ticket(search_space=SPACE, settings={"flags": {"momentum": "--m"}})
