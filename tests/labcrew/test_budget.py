"""What a ticket may spend and how long it waits are numbers with an end."""

from math import inf, nan
from typing import Any

import pytest
from pydantic import ValidationError

from labcrew.domain import testing
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.evolution_spec import EvolutionBudget, Program, Scorer
from labcrew.domain.measuring import Evaluator
from labcrew.domain.running import Run
from labcrew.domain.ticket import Gates


@pytest.mark.parametrize("value", [inf, -inf, nan, 1e300, "inf", 1e10])
@pytest.mark.parametrize("field", ["hours", "cpus", "usd_per_hour", "model_usd"])
def test_no_budget_is_endless(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Budget.model_validate({field: value})
    if field in EvolutionBudget.model_fields:
        with pytest.raises(ValidationError):
            EvolutionBudget.model_validate({field: value})


@pytest.mark.parametrize("value", [inf, nan, 1e9])
def test_a_gate_expires_at_a_time_that_there_is(value: float) -> None:
    with pytest.raises(ValidationError):
        Gates(expire_hours=value)


@pytest.mark.parametrize("seconds", [inf, nan, 1e300, 31 * 86_400])
@pytest.mark.parametrize(
    ("model", "field", "others"),
    [
        (Run, "timeout_s", {"command": "x"}),
        (Run, "stall_s", {"command": "x"}),
        (Evaluator, "timeout_s", {"command": "x {outputs} {split}"}),
        (testing.Tests, "timeout_s", {}),
        (Program, "timeout_s", {"command": "x {input} {output}"}),
        (Scorer, "timeout_s", {"command": "x {runs} {scores}", "private": ["x"]}),
    ],
)
def test_no_command_may_take_for_ever(
    model: type[Model], field: str, others: dict[str, Any], seconds: float
) -> None:
    model.model_validate(others | {field: 86_400})
    with pytest.raises(ValidationError, match=rf"{field}\n  Input should be"):
        model.model_validate(others | {field: seconds})
