"""How the next settings are chosen: mostly as learnt, now and then a step from the best ones."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.sampler import asked, rebuilt
from agents.trial_design import STEPPING, estimator, good_trials, sampler
from labcrew.domain.base import canonical_json
from labcrew.domain.search_space import (
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Values,
    legal,
)

SPACE: dict[str, Parameter] = {
    "rate": FloatParameter(type="float", low=1e-4, high=1.0, log=True),
    "decay": FloatParameter(type="float", low=-1.0, high=1.0),
    "depth": IntParameter(type="int", low=1, high=9),
    "kind": ChoiceParameter(type="choice", choices=("a", "b", "c")),
}
STARTUP = 4
BEST: Values = {"rate": 0.02, "decay": 0.3, "depth": 5, "kind": "b"}
OTHERS: list[Values] = [
    {"rate": 0.5, "decay": -0.9, "depth": 1, "kind": kind} for kind in ("a", "a", "c", "c")
]


def asked_of(made: Any, history: list[tuple[Values, float | None]], **more: Any) -> Values:
    study = rebuilt(
        SPACE, history, direction=more.get("direction", "maximize"), seed=0, startup=STARTUP
    )
    study.sampler = made
    return asked(study, SPACE)


STEPPERS = [seed for seed in range(400) if Random(seed).random() < STEPPING]
"""Seeds of samplers whose first trial steps from the best settings."""


def test_a_share_of_trials_steps() -> None:
    history: list[tuple[Values, float | None]] = [(BEST, 1.0), *((v, 0.1) for v in OTHERS)]
    study = rebuilt(SPACE, history, direction="maximize", seed=1, startup=STARTUP)
    stepped = 0
    for _ in range(300):
        asked(study, SPACE)
        stepped += bool(study.sampler.best)
    assert stepped / 300 == pytest.approx(STEPPING, abs=0.08)


@pytest.mark.parametrize("seed", STEPPERS[:8])
def test_whoever_asks_for_something_new_is_not_held_at_the_best_choices(seed: int) -> None:
    choices: dict[str, Parameter] = {
        name: ChoiceParameter(type="choice", choices=("a", "b", "c")) for name in ("one", "two")
    }
    history: list[tuple[Values, float | None]] = [
        ({"one": one, "two": two}, float(one == two)) for one, two in ("aa", "ab", "bb", "cb")
    ]
    study = rebuilt(choices, history, direction="maximize", seed=seed, startup=STARTUP)
    found = {canonical_json(asked(study, choices)) for _ in range(20)}
    assert found - {canonical_json(values) for values, _ in history}


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_step_leaves_the_choice_and_moves_numbers_a_little(direction: str) -> None:
    sign = 1 if direction == "maximize" else -1
    history: list[tuple[Values, float | None]] = [(BEST, 1.0 * sign)]
    history += [(values, 0.1 * sign) for values in OTHERS]
    stepped = [asked_of(sampler(s, STARTUP), history, direction=direction) for s in STEPPERS[:60]]
    assert {values["kind"] for values in stepped} == {"b"}
    moved = sorted(abs(float(values["decay"]) - 0.3) for values in stepped)
    assert 0 < moved[30] < 0.3, "a normal step of a tenth of the range has a median of 0.13"
    assert len({values["depth"] for values in stepped}) > 1, "whole numbers are as learnt"


@pytest.mark.parametrize("seed", STEPPERS[:5])
def test_nothing_steps_before_there_are_enough_scores(seed: int) -> None:
    history: list[tuple[Values, float | None]] = [(BEST, 1.0), (OTHERS[0], 0.1), (OTHERS[1], 0.2)]
    history += [(values, None) for values in OTHERS[2:]]  # what failed has no score
    mine, learnt = sampler(seed, STARTUP), estimator(seed, STARTUP)
    assert asked_of(mine, history) == asked_of(learnt, history)


@given(
    seed=st.integers(0, 2**31 - 1),
    rate=st.floats(1e-4, 1.0),
    decay=st.floats(-1.0, 1.0),
)
def test_whatever_is_best_the_next_settings_are_legal(seed: int, rate: float, decay: float) -> None:
    best = BEST | {"rate": rate, "decay": decay}
    found = asked_of(sampler(seed, STARTUP), [(best, 1.0), *((v, 0.1) for v in OTHERS)])
    assert all(legal(SPACE[name], value) for name, value in found.items())


@given(st.integers(1, 10_000))
def test_some_are_good_and_never_more_than_there_are(count: int) -> None:
    assert 1 <= good_trials(count) <= min(count, 25)
