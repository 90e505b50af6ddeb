"""What a plan is forecast to take, and how the forecasts of earlier tickets fared."""

import math
import statistics

from pydantic import Field

from agents.budget_used import hours_run, spent
from labcrew.domain.base import Model
from labcrew.domain.experiment import Forecast
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger

_LOOKED_AT = 30
_LEAST = 3
_WON = ("improves", "tests_pass")


class Fared(Model):
    """A forecast beside what came of it."""

    ticket: str
    title: str
    forecast: Forecast
    trials: int
    hours: float = Field(description="of running, by runs side by side; waiting not counted")
    cost_usd: float
    succeeded: bool = Field(description="its merge request holds a gain, or its tests pass")


class Chance(Model):
    """How likely success is, by how earlier tickets ended: Wilson's 95% interval."""

    succeeded: int
    of: int
    estimate: float | None = Field(description="None: too few tickets to say")
    low: float
    high: float


class TrackRecord(Model):
    """How forecasts fared in this lab."""

    past: tuple[Fared, ...] = Field(description="newest first")
    chance: Chance
    trials_ratio: float | None = Field(description="median of actual by forecast; None: too few")
    hours_ratio: float | None
    cost_ratio: float | None


def track_record(ledger: Ledger, besides: AssignedTicket | None = None) -> TrackRecord:
    """How the forecasts of the newest ended tickets fared.

    Args:
        besides: a ticket that is left out, and whose kind alone counts.
    """
    past = []
    for _, assigned in ledger.tickets.page(limit=_LOOKED_AT, status="done"):
        if besides is not None and (
            assigned.id == besides.id or assigned.ticket.kind != besides.ticket.kind
        ):
            continue
        if (fared := _fared(ledger, assigned)) is not None:
            past.append(fared)
    return TrackRecord(
        past=tuple(past),
        chance=_chance(sum(fared.succeeded for fared in past), len(past)),
        trials_ratio=_ratio([(f.trials, f.forecast.trials) for f in past]),
        hours_ratio=_ratio([(f.hours, f.forecast.hours) for f in past]),
        cost_ratio=_ratio([(f.cost_usd, f.forecast.cost_usd) for f in past]),
    )


def _fared(ledger: Ledger, assigned: AssignedTicket) -> Fared | None:
    plans = ledger.plans.page(ticket=assigned.id, limit=1)
    if not plans:
        return None
    trials = ledger.trials.of(assigned.id)
    running = sum(t.result.duration_s for t in trials if t.result is not None) / 3600
    requests = ledger.merge_requests.page(ticket=assigned.id, limit=1)
    calls = ledger.model_calls.of(assigned.id)
    return Fared(
        ticket=assigned.id,
        title=assigned.ticket.title,
        forecast=plans[0][1].forecast,
        trials=spent(trials),
        hours=hours_run(trials, assigned.budget.parallel),
        cost_usd=running * assigned.budget.usd_per_hour + sum(call.usd or 0 for call in calls),
        succeeded=bool(requests) and requests[0][1].verdict in _WON,
    )


def _chance(succeeded: int, of: int) -> Chance:
    z = 1.959964
    if of == 0:
        return Chance(succeeded=0, of=0, estimate=None, low=0, high=1)
    share = succeeded / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Chance(
        succeeded=succeeded,
        of=of,
        estimate=share if of >= _LEAST else None,
        low=max(0.0, middle - half),
        high=min(1.0, middle + half),
    )


def _ratio(pairs: list[tuple[float, float]]) -> float | None:
    ratios = [actual / expected for actual, expected in pairs if expected > 0]
    return statistics.median(ratios) if len(ratios) >= _LEAST else None
