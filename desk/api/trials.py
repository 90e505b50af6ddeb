"""Trials: what was run, and what it printed."""

from typing import Annotated

from fastapi import APIRouter, Query

from desk.api.common import READ, AnyLab, Id, Viewer
from desk.api.page import Before, Limit, Page
from desk.views.series import TrialSeries, series_of
from labcrew.domain.experiment import Trial, TrialStatus

router = APIRouter(tags=["trials"])


@router.get("/tickets/{id}/trials", responses=READ)
def list_trials(
    caller: Viewer,
    lab: AnyLab,
    id: Id,
    status: Annotated[TrialStatus | None, Query(description="only those")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Page[Trial]:
    """A ticket's trials, newest first."""
    lab.ledger.tickets.get(id)
    rows = lab.ledger.trials.page(ticket=id, status=status, before=before, limit=limit)
    return Page.of(rows, limit)


@router.get("/trials/{id}", responses=READ)
def get_trial(caller: Viewer, lab: AnyLab, id: Id) -> Trial:
    """One trial."""
    return lab.ledger.trials.get(id)


@router.get("/trials/{id}/metrics", responses=READ)
def get_metrics(caller: Viewer, lab: AnyLab, id: Id) -> TrialSeries:
    """The numbers that a trial printed, as series; of one that runs, those so far."""
    trial = lab.ledger.trials.get(id)
    metric = lab.ledger.tickets.get(trial.ticket).ticket.metric.name
    return series_of(lab.opened.home, trial, metric)
