"""What a ticket took, beside what it was forecast to take and what it may."""

from collections.abc import Mapping

from pydantic import Field

from labcrew.agent_limits import agent_limits
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.experiment import Forecast
from labcrew.domain.research import AgentName
from labcrew.domain.spending import Amount, Limits
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger
from labcrew.spending import spent_by, total

_SPENT = ("running", "finished", "scored", "failed", "stopped", "unknown")


class Costs(Model):
    """A ticket's costs so far."""

    ticket: str
    trials: int = Field(description="runs that were begun")
    run_hours: float = Field(description="hours of running, of runs that ended")
    run_usd: float = Field(description="run_hours at the budget's usd_per_hour")
    models: Amount = Field(description="what chat models used, all agents")
    by_agent: dict[str, Amount]
    limits: dict[str, Limits] = Field(
        default_factory=dict, description="what agents may use of it, where settings bound them"
    )
    forecast: Forecast | None = Field(description="the newest plan's; null: no plan yet")
    budget: Budget


def costs_of(
    ledger: Ledger, assigned: AssignedTicket, spending: Mapping[AgentName, Limits] | None = None
) -> Costs:
    """A ticket's costs, from its trials and model calls.

    Args:
        spending: what settings let agents use.
    """
    trials = [t for t in ledger.trials.of(assigned.id) if t.status in _SPENT]
    hours = sum(t.result.duration_s for t in trials if t.result is not None) / 3600
    spent = spent_by(ledger.model_calls.of(assigned.id))
    plans = ledger.plans.of(assigned.id)
    return Costs(
        ticket=assigned.id,
        trials=len(trials),
        run_hours=hours,
        run_usd=hours * assigned.budget.usd_per_hour,
        models=total(spent),
        by_agent={str(agent): amount for agent, amount in spent.items()},
        limits=agent_limits(ledger, spending or {}, assigned.id),
        forecast=plans[-1].forecast if plans else None,
        budget=assigned.budget,
    )
