"""Where a ticket's search stands: its trials, the best so far, what they printed."""

from pydantic import Field

from agents.trial_groups import best_group
from desk.views.series import MetricSeries, series_of
from labcrew.domain.base import Model
from labcrew.domain.experiment import Trial
from labcrew.domain.ticket import AssignedTicket
from labcrew.home import Home

_CURVES = 8
_LOOKED_AT = 24
_CHOSEN_BY = ("baseline", "cleaned_baseline", "search", "finalist", "restart", "changed")


class Point(Model):
    """One trial's number."""

    trial: str
    number: int
    kind: str
    value: float
    verified: bool = Field(description="by the evaluator; else only the run says so")


class Standing(Model):
    """The search so far."""

    points: tuple[Point, ...] = Field(description="in the order of the trials")
    best_so_far: tuple[tuple[int, float], ...] = Field(description="trial's number, value")
    best: tuple[str, ...] = Field(description="the trials with the best settings")


class TrialCurve(Model):
    """One trial's series of the ticket's metric."""

    trial: str
    series: MetricSeries


def standing(assigned: AssignedTicket, trials: list[Trial]) -> Standing:
    """Where the search stands, by validation alone.

    Args:
        trials: those that may be compared.
    """
    points = tuple(
        Point(
            trial=trial.id,
            number=trial.number,
            kind=trial.kind,
            value=trial.score.value,
            verified=trial.score.source == "evaluator",
        )
        for trial in trials
        if trial.score is not None and trial.kind in _CHOSEN_BY
    )
    best_so_far: list[tuple[int, float]] = []
    for point in points:
        if not best_so_far or assigned.ticket.metric.better(point.value, best_so_far[-1][1]):
            best_so_far.append((point.number, point.value))
    if best_so_far and points[-1].number > best_so_far[-1][0]:
        best_so_far.append((points[-1].number, best_so_far[-1][1]))
    group = best_group(assigned, trials)
    return Standing(
        points=points,
        best_so_far=tuple(best_so_far),
        best=tuple(trial.id for trial in group.trials) if group is not None else (),
    )


def curves(home: Home, assigned: AssignedTicket, trials: list[Trial]) -> tuple[TrialCurve, ...]:
    """The newest eight trials' series of the number that is nearest to the ticket's metric.

    Among the newest 24 that were begun: where none prints it, not every log is read.
    """
    found, metric = [], assigned.ticket.metric.name
    begun = [t for t in reversed(trials) if t.result is not None or t.status == "running"]
    for trial in begun[:_LOOKED_AT]:
        series = series_of(home, trial, metric).series
        if (one := nearest(series, metric)) is not None:
            found.append(TrialCurve(trial=trial.id, series=one))
        if len(found) == _CURVES:
            break
    return tuple(reversed(found))


def nearest(series: tuple[MetricSeries, ...], metric: str) -> MetricSeries | None:
    """The series that shows a metric: of its name, else whose name ends with it."""
    wanted = metric.lower()
    named = [one for one in series if one.name.lower() == wanted]
    ending = [one for one in series if one.name.lower().endswith(wanted)]
    holding = [one for one in series if wanted in one.name.lower()]
    return next(iter([*named, *ending, *holding]), None)
