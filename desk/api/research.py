"""What the crew found out: literature, data, incidents, and the ledger's lines."""

from typing import Annotated

from fastapi import APIRouter, Query

from desk.api.common import READ, After, AnyLab, Id, Most, Viewer, problems
from desk.api.page import Before, Limit, Page
from labcrew.domain.event import Event
from labcrew.domain.experiment import Incident, Plan
from labcrew.domain.research import Brief, DatasetCard, Finding
from labcrew.errors import NotFound

router = APIRouter(tags=["research"])


@router.get("/tickets/{id}/plan", responses=READ)
def get_plan(caller: Viewer, lab: AnyLab, id: Id) -> Plan:
    """A ticket's newest plan."""
    lab.ledger.tickets.get(id)
    plans = lab.ledger.plans.page(ticket=id, limit=1)
    if not plans:
        raise NotFound(f"{id} has no plan yet.")
    return plans[0][1]


@router.get("/tickets/{id}/brief", responses=READ)
def get_brief(caller: Viewer, lab: AnyLab, id: Id) -> Brief:
    """What the literature review found for a ticket."""
    lab.ledger.tickets.get(id)
    brief = lab.ledger.briefs.find(id)
    if brief is None:
        raise NotFound(f"{id} has no literature brief yet.")
    return brief


@router.get("/tickets/{id}/findings", responses=READ)
def list_findings(
    caller: Viewer, lab: AnyLab, id: Id, before: Before = None, limit: Limit = 50
) -> Page[Finding]:
    """The sentences found in papers for a ticket, with their sources, newest first."""
    lab.ledger.tickets.get(id)
    return Page.of(lab.ledger.findings.page(ticket=id, before=before, limit=limit), limit)


@router.get("/tickets/{id}/datasets", responses=READ)
def list_datasets(
    caller: Viewer, lab: AnyLab, id: Id, before: Before = None, limit: Limit = 50
) -> Page[DatasetCard]:
    """The data cards of a ticket, with the rows to quarantine, newest first."""
    lab.ledger.tickets.get(id)
    return Page.of(lab.ledger.datasets.page(ticket=id, before=before, limit=limit), limit)


@router.get("/tickets/{id}/incidents", responses=READ)
def list_ticket_incidents(
    caller: Viewer, lab: AnyLab, id: Id, before: Before = None, limit: Limit = 50
) -> Page[Incident]:
    """What went wrong in a ticket's runs, newest first."""
    lab.ledger.tickets.get(id)
    return Page.of(lab.ledger.incidents.page(ticket=id, before=before, limit=limit), limit)


@router.get("/incidents", responses=problems())
def list_incidents(
    caller: Viewer, lab: AnyLab, before: Before = None, limit: Limit = 50
) -> Page[Incident]:
    """What went wrong in any run, newest first."""
    return Page.of(lab.ledger.incidents.page(before=before, limit=limit), limit)


@router.get("/incidents/{id}", responses=READ)
def get_incident(caller: Viewer, lab: AnyLab, id: Id) -> Incident:
    """One incident, with the lines that show it."""
    return lab.ledger.incidents.get(id)


@router.get("/tickets/{id}/events", responses=READ)
def list_events(
    caller: Viewer,
    lab: AnyLab,
    id: Id,
    after: After = 0,
    limit: Most = 50,
    kind: Annotated[
        str | None, Query(max_length=200, description="only those, e.g. trial.started")
    ] = None,
) -> Page[Event]:
    """A ticket's lines of the ledger, oldest first."""
    lab.ledger.tickets.get(id)
    found = lab.ledger.events.of(id, after=after, limit=limit, kind=kind)
    return Page.of([(event.sequence, event) for event in found], limit)
