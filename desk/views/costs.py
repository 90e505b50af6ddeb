"""What a ticket took, beside what it was forecast to take and what it may."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from agents.budget_used import hours_run, spent
from labcrew.agent_limits import agent_limits
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.experiment import Forecast
from labcrew.domain.research import AgentName
from labcrew.domain.spending import Amount, Limits
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger
from labcrew.spending import spent_by, total


class Costs(Model):
    """A ticket's costs so far."""

    ticket: str
    trials: int = Field(
        description="of the budget, used or promised; a lost one that was started again is none"
    )
    hours: float = Field(
        description="hours of the budget, of runs that ended; runs side by side count once"
    )
    run_hours: float = Field(description="hours of running, each run's own, of runs that ended")
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
    trials = ledger.trials.of(assigned.id)
    run_hours = sum(t.result.duration_s for t in trials if t.result is not None) / 3600
    asked = spent_by(ledger.model_calls.of(assigned.id))
    plans = ledger.plans.of(assigned.id)
    return Costs(
        ticket=assigned.id,
        trials=spent(trials),
        hours=hours_run(trials, assigned.budget.parallel),
        run_hours=run_hours,
        run_usd=run_hours * assigned.budget.usd_per_hour,
        models=total(asked),
        by_agent={str(agent): amount for agent, amount in asked.items()},
        limits=agent_limits(ledger, spending or {}, assigned.id),
        forecast=plans[-1].forecast if plans else None,
        budget=assigned.budget,
    )


def runs_used(ledger: Ledger, tickets: Sequence[str]) -> dict[str, int]:
    """How many runs of their budgets tickets have used or promised."""
    if not tickets:
        return {}
    used = ledger.trials.tally("ticket", tickets, but=("skipped",))
    kept = ledger.trials.tally("ticket", tickets, but=("skipped", "unknown"))
    # Whether a lost run counts, those that were started for it say: such tickets' runs are read.
    lost = [id for id, runs in used.items() if runs != kept.get(id)]
    return used | {id: spent(ledger.trials.of(id)) for id in lost}
