"""What a ticket may spend and how long it waits are numbers with an end."""

from math import inf, nan

import pytest
from pydantic import ValidationError

from labcrew.domain.budget import Budget
from labcrew.domain.evolution_spec import EvolutionBudget
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
