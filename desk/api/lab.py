"""The lab as a whole: who asks, the crew, the memory, reports and costs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from desk.api.common import READ, AnyLab, Id, Viewer, problems
from desk.deliverables.formats import MEDIA_TYPES, Format, deliverable
from desk.morning import Morning
from desk.report import report_of
from desk.views.costs import Costs, costs_of
from desk.views.crew import AtDesk, crew_of
from desk.views.recall import Remembered, Scope
from desk.web.access import Caller
from desk.web.lab import Lab
from labcrew.domain.base import Model
from labcrew.domain.evolution import Evolution
from labcrew.domain.ticket import AssignedTicket

router = APIRouter(tags=["lab"])


class Crew(Model):
    """Everyone of the crew."""

    items: tuple[AtDesk, ...]


class Found(Model):
    """What a search of the memory found, best first."""

    items: tuple[Remembered, ...]


@router.get("/whoami", responses=problems())
def whoami(caller: Viewer) -> Caller:
    """Who the caller is here, and their role."""
    return caller


@router.get("/crew", responses=problems())
def get_crew(caller: Viewer, lab: AnyLab) -> Crew:
    """What each agent does now."""
    return Crew(items=crew_of(lab.ledger))


@router.get("/memory", responses=problems())
def search_memory(
    caller: Viewer,
    lab: AnyLab,
    query: Annotated[str, Query(min_length=1, max_length=2000, description="in plain words")],
    scope: Annotated[Scope, Query(description="what is searched")] = "lessons",
    limit: Annotated[int, Query(ge=1, le=100)] = 8,
) -> Found:
    """Search what the crew remembers, by meaning."""
    return Found(items=lab.recall.search(query, scope, limit))


@router.get("/tickets/{id}/costs", responses=READ)
def get_costs(caller: Viewer, lab: AnyLab, id: Id) -> Costs:
    """What a ticket took so far, beside its forecast and its budget."""
    return costs_of(lab.ledger, lab.ledger.tickets.get(id), lab.opened.settings.spending)


_REPORT: dict[int | str, dict[str, Any]] = {
    **READ,
    200: {
        "content": {kind.split(";")[0]: {} for kind in MEDIA_TYPES.values()},
        "description": "The report.",
    },
}
Draft = Annotated[
    Format | None,
    Query(description="a first draft to be sent on; without it: all records, as Markdown"),
]


@router.get("/tickets/{id}/report", response_class=Response, responses=_REPORT)
def get_report(caller: Viewer, lab: AnyLab, id: Id, format: Draft = None) -> Response:
    """A ticket's report."""
    return _report(lab, lab.ledger.tickets.get(id), format)


@router.get(
    "/evolutions/{id}/report", response_class=Response, responses=_REPORT, tags=["evolutions"]
)
def get_evolution_report(caller: Viewer, lab: AnyLab, id: Id, format: Draft = None) -> Response:
    """A loop's report: what was tried, what was kept and why, the sealed result."""
    return _report(lab, lab.ledger.evolutions.get(id), format)


def _report(lab: Lab, found: AssignedTicket | Evolution, format: Format | None) -> Response:
    if format is None:
        text = report_of(lab.ledger, found)
        return PlainTextResponse(text, media_type="text/markdown")
    made = deliverable(lab.ledger, found, format)
    # A file to keep: shown in the board's own place, strange words could pass for its.
    name = f'attachment; filename="{found.id}.{format}"'
    return Response(made, media_type=MEDIA_TYPES[format], headers={"Content-Disposition": name})


@router.get("/morning", responses=problems())
def get_morning(
    caller: Viewer,
    lab: AnyLab,
    since: Annotated[
        str, Query(max_length=40, description="12h, 2d, or 2026-01-31T18:00 (UTC)")
    ] = "12h",
) -> Morning:
    """What happened since a time, what needs a person first; written by rules."""
    return lab.overnight.report(since)
