"""The lab as a whole: who asks, the crew, the memory, reports and costs."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from desk import report as reporting
from desk.api.common import READ, AnyLab, Id, Viewer, problems
from desk.deliverables.formats import MEDIA_TYPES, Format, deliverable
from desk.morning import Morning
from desk.views.costs import Costs, costs_of
from desk.views.crew import AtDesk, crew_of
from desk.views.recall import Remembered, Scope
from desk.web.access import Caller
from labcrew.domain.base import Model

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
    return costs_of(lab.ledger, lab.ledger.tickets.get(id))


@router.get(
    "/tickets/{id}/report",
    response_class=Response,
    responses={
        **READ,
        200: {
            "content": {kind.split(";")[0]: {} for kind in MEDIA_TYPES.values()},
            "description": "The report.",
        },
    },
)
def get_report(
    caller: Viewer,
    lab: AnyLab,
    id: Id,
    format: Annotated[
        Format | None,
        Query(description="a first draft to be sent on; without it: all records, as Markdown"),
    ] = None,
) -> Response:
    """A ticket's report."""
    assigned = lab.ledger.tickets.get(id)
    if format is None:
        text = reporting.report(lab.ledger, assigned)
        return PlainTextResponse(text, media_type="text/markdown")
    made = deliverable(lab.ledger, assigned, format)
    # A file to keep: shown in the board's own place, strange words could pass for its.
    name = f'attachment; filename="{assigned.id}.{format}"'
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
