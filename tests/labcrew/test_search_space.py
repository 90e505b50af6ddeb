"""Legal values, grids and distances, for any space and any value."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from labcrew.domain.search_space import (
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Values,
    distance,
    legal,
    nearest,
    samples,
    top,
)
from tests.spaces import numeric_parameters, parameters, wild_values

PARSE = TypeAdapter(Parameter)


LR = FloatParameter(type="float", low=0.001, high=10, log=True)
GRID = FloatParameter(type="float", low=0, high=1, step=0.3)
WIDTH = IntParameter(type="int", low=10, high=45, step=10)
KIND = ChoiceParameter(type="choice", choices=("adam", 1, True, 2.5))


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "float", "low": 2, "high": 1},
        {"type": "float", "low": 0, "high": 1, "log": True},
        {"type": "float", "low": 0, "high": math.inf},
        {"type": "float", "low": math.nan, "high": 1},
        {"type": "float", "low": 1, "high": 2, "log": True, "step": 0.1},
        {"type": "int", "low": 3, "high": 3},
        {"type": "int", "low": 0, "high": 3, "log": True},
        {"type": "int", "low": 1, "high": 3, "log": True, "step": 2},
        {"type": "choice", "choices": []},
        {"type": "choice", "choices": [1, 1]},
        {"type": "choice", "choices": [1.0, math.nan]},
        {"type": "float", "low": 0, "high": 1, "unknown": 1},
    ],
)
def test_a_range_without_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PARSE.validate_python(fields)


@pytest.mark.parametrize(
    ("given", "value", "expected"),
    [
        (LR, 0.001, True),
        (LR, 10, True),
        (LR, 10.1, False),
        (LR, True, False),
        (LR, "0.1", False),
        (LR, math.nan, False),
        (LR, 10**400, False),
        (WIDTH, 20, True),
        (WIDTH, 20.0, True),
        (WIDTH, 20.5, False),
        (WIDTH, 10**400, False),
        (WIDTH, -(10**400), False),
        (WIDTH, math.inf, False),
        (WIDTH, None, False),
        (KIND, "adam", True),
        (KIND, 1, True),
        (KIND, 1.0, False),
        (KIND, True, True),
        (KIND, False, False),
    ],
)
def test_legal(given: Parameter, value: Any, expected: bool) -> None:
    assert legal(given, value) is expected


@given(parameters(), wild_values())
def test_legal_answers_for_anything(given_: Parameter, value: Any) -> None:
    assert legal(given_, value) in (True, False)


def test_a_grid_ends_where_its_step_ends() -> None:
    assert (top(GRID), top(WIDTH), top(LR)) == (0.9, 40, 10)
    assert [nearest(GRID, v) for v in (-1, 0.14, 0.16, 0.5, 7)] == [0, 0, 0.3, 0.6, 0.9]
    assert [nearest(WIDTH, v) for v in (0, 14.9, 26, 99)] == [10, 10, 30, 40]
    assert isinstance(nearest(WIDTH, 26), int)


def test_digits_are_short_but_tell_values_apart() -> None:
    assert nearest(LR, 0.123456789) == 0.123457
    narrow = FloatParameter(type="float", low=1e6, high=1e6 + 1)
    assert nearest(narrow, 1e6 + 0.25) == 1e6 + 0.25


@given(numeric_parameters(), st.floats(allow_nan=False, allow_infinity=False))
@example(FloatParameter(type="float", low=1.534328925, high=3.034328925, log=True), 0.0)
def test_the_nearest_value_is_legal_and_nearest_to_itself(given_: Any, value: float) -> None:
    found = nearest(given_, value)
    assert legal(given_, found)
    assert nearest(given_, found) == found
    assert distance({"p": given_}, {"p": found}, {"p": found}) == 0


def test_distances_are_scaled_to_the_range() -> None:
    space: dict[str, Parameter] = {"lr": LR, "width": WIDTH, "kind": KIND}
    a: Values = {"lr": 0.001, "width": 10, "kind": "adam"}
    assert distance(space, a, a) == 0
    assert distance(space, a, a | {"lr": 0.1}) == pytest.approx(0.5)
    assert distance(space, a, a | {"width": 17}) == pytest.approx(0.2)
    assert distance(space, a, a | {"kind": 1}) == 1
    assert distance(space, {"kind": 1}, {"kind": True}) == 1
    assert distance(space, a, {"lr": 0.001}) == 1
    assert distance(space, {}, {}) == 0


@pytest.mark.parametrize("value", [0.0, -1.0, "adam", True, 10**400])
def test_values_of_another_space_are_far_away(value: Any) -> None:
    assert distance({"lr": LR}, {"lr": 0.1}, {"lr": value}) >= 1


@given(st.dictionaries(st.sampled_from("abc"), parameters(), min_size=1), st.data())
def test_a_distance_is_symmetric_and_never_fails(
    space: dict[str, Parameter], data: st.DataObject
) -> None:
    pairs = st.dictionaries(st.sampled_from("abcd"), wild_values())
    a, b = data.draw(pairs), data.draw(pairs)
    forth, back = distance(space, a, b), distance(space, b, a)
    assert forth == back >= 0
    assert math.isfinite(forth)


def test_samples_are_legal_and_hold_every_choice() -> None:
    space: dict[str, Parameter] = {"lr": LR, "width": WIDTH, "kind": KIND}
    rows = samples(space)
    assert [row["kind"] for row in rows] == list(KIND.choices)
    assert all(legal(space[name], value) for row in rows for name, value in row.items())
    assert samples({}) == [{}]
