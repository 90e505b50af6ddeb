"""A ticket: a page with its state and what it needs, and one for each side of the work."""

from collections import Counter
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from agents.trial_groups import data_seen, on_present_data
from desk.api.page import Before
from desk.board.pages import BoardLab, Viewer, page
from desk.board.plots import Curve, Drawn, Mark, drawn
from desk.views.costs import costs_of
from desk.views.series import series_of
from desk.views.standing import Standing, curves, standing
from desk.views.ticket_text import ticket_text
from desk.views.timeline import timeline
from desk.web.lab import Lab
from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident
from labcrew.domain.ticket import AssignedTicket

router = APIRouter(prefix="/tickets/{id}", include_in_schema=False)
_NEWEST = 12
_ROWS = 100
_QUARANTINED = 200
_CALLS = 100
_PLOTS = 12


class Tab(Model):
    """One side of a ticket.

    Args:
        path: behind the ticket's address.
        count: what it holds; None: not counted.
    """

    path: str
    label: str
    count: int | None = None


def _tabs(lab: Lab, assigned: AssignedTicket) -> list[Tab]:
    ledger, id = lab.ledger, assigned.id
    tabs = [
        Tab(path="", label="Overview"),
        Tab(path="/timeline", label="Timeline"),
        Tab(path="/plan", label="Plan"),
        Tab(path="/literature", label="Literature", count=ledger.findings.count(id)),
        Tab(path="/data", label="Data", count=ledger.datasets.count(id)),
        Tab(path="/trials", label="Trials", count=ledger.trials.count(id)),
        Tab(path="/incidents", label="Incidents", count=ledger.incidents.count(id)),
    ]
    if assigned.ticket.kind != "search":
        tabs.append(Tab(path="/code", label="Code", count=ledger.patches.count(id)))
    calls = ledger.model_calls.count(id)
    if calls:
        tabs.append(Tab(path="/models", label="Models", count=calls))
    return [*tabs, Tab(path="/ticket", label="Ticket")]


def _shown(
    request: Request, caller: Viewer, lab: Lab, id: str, tab: str, template: str, **values: Any
) -> HTMLResponse:
    assigned = lab.ledger.tickets.get(id)
    requests = lab.ledger.merge_requests.page(ticket=id, limit=1)
    return page(
        request,
        template,
        caller,
        assigned=assigned,
        tabs=_tabs(lab, assigned),
        tab=tab,
        gates=[gate for gate in lab.ledger.gates.of(id) if gate.status == "open"],
        merge_request=requests[0][1] if requests else None,
        **values,
    )


@router.get("")
def overview(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """State, budget, what needs a person, the newest happenings, the search so far."""
    assigned = lab.ledger.tickets.get(id)
    trials = lab.ledger.trials.of(id)
    now = standing(assigned, on_present_data(trials, lab.ledger.datasets.of(id)))
    return _shown(
        request,
        caller,
        lab,
        id,
        "",
        "ticket/overview.html",
        costs=costs_of(lab.ledger, assigned, lab.opened.settings.spending),
        statuses=Counter(trial.status for trial in trials),
        plot=_search_plot(assigned, now),
        best=next((t for t in trials if t.id in now.best), None),
        found=timeline(lab.ledger, id, most=_NEWEST),
    )


@router.get("/timeline")
def happened(
    request: Request, caller: Viewer, lab: BoardLab, id: str, before: Before = None
) -> HTMLResponse:
    """All that happened, newest first."""
    found = timeline(lab.ledger, id, before)
    return _shown(
        request, caller, lab, id, "/timeline", "ticket/timeline.html", found=found, before=before
    )


@router.get("/plan")
def plan(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """The newest plan, with the findings that its suggestions rest on."""
    plans = lab.ledger.plans.page(ticket=id, limit=1)
    findings = {finding.id: finding for finding in lab.ledger.findings.of(id)}
    return _shown(
        request,
        caller,
        lab,
        id,
        "/plan",
        "ticket/plan.html",
        plan=plans[0][1] if plans else None,
        findings=findings,
    )


@router.get("/literature")
def literature(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """Sentences with their sources, and whether each source was seen."""
    brief = lab.ledger.briefs.find(id)
    findings = {finding.id: finding for finding in lab.ledger.findings.of(id)}
    chosen = brief.findings if brief is not None else ()
    return _shown(
        request,
        caller,
        lab,
        id,
        "/literature",
        "ticket/literature.html",
        brief=brief,
        chosen=[findings[name] for name in chosen if name in findings],
        others=[finding for name, finding in findings.items() if name not in chosen],
    )


@router.get("/data")
def data(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """What the data files are, and the rows that are taken out with the reasons."""
    return _shown(
        request,
        caller,
        lab,
        id,
        "/data",
        "ticket/data.html",
        cards=lab.ledger.datasets.of(id),
        most=_QUARANTINED,
    )


@router.get("/trials")
def trials(
    request: Request, caller: Viewer, lab: BoardLab, id: str, before: Before = None
) -> HTMLResponse:
    """Every run with its number, and the metric's curves."""
    assigned = lab.ledger.tickets.get(id)
    every = lab.ledger.trials.of(id)
    cards = lab.ledger.datasets.of(id)
    now = standing(assigned, on_present_data(every, cards))
    rows = lab.ledger.trials.page(ticket=id, limit=_ROWS + 1, before=before)
    lines = [
        Curve(
            name=one.trial,
            points=tuple(zip(one.series.steps, one.series.values, strict=True)),
        )
        for one in curves(lab.opened.home, assigned, every)
    ]
    return _shown(
        request,
        caller,
        lab,
        id,
        "/trials",
        "ticket/trials.html",
        rows=[trial for _, trial in rows[:_ROWS]],
        next=rows[_ROWS - 1][0] if len(rows) > _ROWS else None,
        before=before,
        running=any(trial.status == "running" for trial in every),
        seen=data_seen(every, cards),
        best=now.best,
        plot=_search_plot(assigned, now),
        curves=drawn(f"{assigned.ticket.metric.name} as the newest runs print it", lines),
    )


@router.get("/trials/{trial}")
def trial(request: Request, caller: Viewer, lab: BoardLab, id: str, trial: str) -> HTMLResponse:
    """One run: what it was, how it ended, where its number comes from, what it printed."""
    one = lab.ledger.trials.get(trial)
    metric = lab.ledger.tickets.get(one.ticket).ticket.metric.name
    read = series_of(lab.opened.home, one, metric)
    plots = [
        plot
        for series in read.series[:_PLOTS]
        if (
            plot := drawn(
                series.name,
                [
                    Curve(
                        name=series.name,
                        points=tuple(zip(series.steps, series.values, strict=True)),
                    )
                ],
            )
        )
    ]
    return _shown(
        request,
        caller,
        lab,
        one.ticket,
        "/trials",
        "ticket/trial.html",
        trial=one,
        plots=plots,
        more=max(0, len(read.series) - _PLOTS),
        incidents=[i for i in lab.ledger.incidents.of(one.ticket) if i.trial == one.id],
    )


@router.get("/incidents")
def incidents(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """What went wrong, what was done about it, and whether it helped."""
    found: list[Incident] = list(reversed(lab.ledger.incidents.of(id)))
    return _shown(
        request, caller, lab, id, "/incidents", "ticket/incidents.html", incidents=found[:_ROWS]
    )


@router.get("/code")
def code(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """What was changed in the code, and what the tests say."""
    patches = list(reversed(lab.ledger.patches.of(id)))
    return _shown(request, caller, lab, id, "/code", "ticket/code.html", patches=patches)


@router.get("/models")
def models(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    id: str,
    before: Before = None,
) -> HTMLResponse:
    """Calls to chat models, and what they cost."""
    assigned = lab.ledger.tickets.get(id)
    rows = lab.ledger.model_calls.page(ticket=id, limit=_CALLS + 1, before=before)
    return _shown(
        request,
        caller,
        lab,
        id,
        "/models",
        "ticket/models.html",
        calls=[call for _, call in rows[:_CALLS]],
        next=rows[_CALLS - 1][0] if len(rows) > _CALLS else None,
        before=before,
        costs=costs_of(lab.ledger, assigned, lab.opened.settings.spending),
    )


@router.get("/ticket")
def ticket(request: Request, caller: Viewer, lab: BoardLab, id: str) -> HTMLResponse:
    """The ticket as it was assigned."""
    assigned = lab.ledger.tickets.get(id)
    return _shown(
        request,
        caller,
        lab,
        id,
        "/ticket",
        "ticket/ticket.html",
        text=ticket_text(assigned.ticket),
    )


def _search_plot(assigned: AssignedTicket, now: Standing) -> Drawn | None:
    marks = [
        Mark(
            at=(point.number, point.value),
            title=f"{point.trial}, {point.kind.replace('_', ' ')}: {point.value:.6g}"
            + ("" if point.verified else " (reported)"),
            kind="base" if "baseline" in point.kind else "dot",
            href=f"/tickets/{assigned.id}/trials/{point.trial}",
        )
        for point in now.points
    ]
    steps: list[tuple[float, float]] = []
    for number, value in now.best_so_far:
        if steps:
            steps.append((number, steps[-1][1]))
        steps.append((number, value))
    best = [Curve(name="best so far", points=tuple(steps))] if len(steps) > 1 else []
    return drawn(f"{assigned.ticket.metric.name} by trial", best, marks)
