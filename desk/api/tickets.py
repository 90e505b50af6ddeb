"""Tickets: assigned, looked at, steered."""

import logging
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import Field, model_validator

from desk.api.common import ACT, READ, TRY, AnyLab, Id, Researcher, Viewer, problems
from desk.api.once import OnceOnly
from desk.api.page import Before, Limit, Page
from desk.api.sent import BESIDE, SOURCE, Checked, folder_of, problems_of
from desk.assigning import examine
from desk.budgets import raised
from desk.preview import Preview, of_ticket
from desk.views.sheet import ListedTicket, listed
from desk.web.access import Caller, NotAllowed
from desk.web.lab import Lab
from desk.wiring import halt
from labcrew.domain.base import Model
from labcrew.domain.ticket import AssignedTicket, Budget, Ticket, TicketStatus
from labcrew.errors import EngineError, InputError
from labcrew.ticket_file import MOST_BYTES, read_ticket, ticket_of

router = APIRouter(prefix="/tickets", tags=["tickets"])
_LOG = logging.getLogger(__name__)


class Sent(Model):
    """A ticket as it is sent: the text of its file, or its fields."""

    text: str | None = Field(
        default=None, max_length=MOST_BYTES, description="Markdown with YAML front matter"
    )
    fields: dict[str, Any] | None = Field(
        default=None, description="instead of `text`; see `labcrew ticket fields`"
    )
    beside: str | None = Field(
        default=None,
        max_length=4096,
        description=BESIDE,
    )
    source: str = Field(default="", max_length=4096, description=SOURCE)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Sent":
        if (self.text is None) == (self.fields is None):
            raise ValueError("give either text or fields")
        return self

    def read(self) -> Ticket:
        """The ticket. Raises TicketError."""
        if self.text is not None:
            return read_ticket(self.text, name=Path(self.source).name or "ticket.md")
        return ticket_of(self.fields or {})

    def folder(self, ticket: Ticket) -> Path:
        """Where a relative repository path starts. Raises InputError."""
        return folder_of(self.beside, ticket.repository)


class BudgetChange(Model):
    """The fields of a budget that change."""

    trials: int | None = None
    hours: float | None = None
    parallel: int | None = None
    cpus: float | None = None
    memory_mb: int | None = None
    disk_mb: int | None = None
    usd_per_hour: float | None = None
    model_tokens: int | None = None
    model_usd: float | None = None


@router.get("", responses=problems())
def list_tickets(
    caller: Viewer,
    lab: AnyLab,
    status: Annotated[
        TicketStatus | None, Query(description="only those; leave out for all")
    ] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Page[ListedTicket]:
    """The tickets, newest first."""
    rows = lab.ledger.tickets.page(status=status, before=before, limit=limit)
    tickets = listed(lab.ledger, [ticket for _, ticket in rows])
    return Page.of([(row[0], ticket) for row, ticket in zip(rows, tickets, strict=True)], limit)


@router.post("", status_code=201, responses=ACT)
def assign(caller: Researcher, lab: AnyLab, once: OnceOnly, sent: Sent) -> AssignedTicket:
    """Assign a ticket: everything that can be checked beforehand is checked first."""
    ticket = sent.read()
    beside = sent.folder(ticket)
    return once.settled(
        lambda settle: lab.office.assign(
            ticket,
            source=sent.source or f"{caller.name}, by the API",
            by=caller.name,
            beside=beside,
            settle=settle,
        ),
        AssignedTicket,
    )


class Import(Model):
    """An issue's address."""

    url: str = Field(min_length=1, max_length=500, description="of GitLab or GitHub")


class Imported(Model):
    """The draft of a ticket's text; nothing is assigned."""

    text: str
    url: str


@router.post("/import", responses=TRY)
def import_issue(caller: Researcher, lab: AnyLab, sent: Import) -> Imported:
    """Draft a ticket's text from an issue of the lab's forge, gitlab.com or github.com."""
    from sandboxes.git.repositories import GitRepositories
    from tools.forges.issues import drafted, issue_at

    copies = GitRepositories(lab.opened.home.repositories)
    issue = issue_at(sent.url, lab.opened.settings.forge, copies)
    return Imported(text=drafted(issue), url=issue.url)


@router.post("/check", responses=TRY)
def check(
    caller: Viewer,
    lab: AnyLab,
    sent: Sent,
    thorough: Annotated[
        bool, Query(description="also hold it against the repository, as assigning would")
    ] = False,
) -> Checked:
    """Say all that is wrong with a ticket, field by field; nothing is kept."""
    try:
        ticket = sent.read()
        if not thorough or not caller.may("researcher"):
            return Checked(problems=())
        return Checked(problems=(), warnings=_examined(ticket, sent.folder(ticket), lab))
    except InputError as error:
        return Checked(problems=problems_of(error))


@router.post("/preview", responses=ACT)
def preview(caller: Researcher, lab: AnyLab, sent: Sent) -> Preview:
    """Show what a ticket would take, before it is assigned; nothing is kept."""
    ticket = sent.read()
    return of_ticket(ticket, sent.folder(ticket), lab.opened.settings)


@router.get("/{id}", responses=READ)
def get_ticket(caller: Viewer, lab: AnyLab, id: Id) -> AssignedTicket:
    """One ticket."""
    return lab.ledger.tickets.get(id)


@router.post("/{id}/pause", responses=ACT)
def pause(caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id) -> AssignedTicket:
    """Let a ticket rest: running trials go on, nothing new begins."""
    return once.answer(lambda: lab.office.pause(id, caller.name), AssignedTicket)


@router.post("/{id}/resume", responses=ACT)
def resume(caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id) -> AssignedTicket:
    """Let a paused ticket go on."""
    return once.answer(lambda: lab.office.resume(id, caller.name), AssignedTicket)


@router.post("/{id}/stop", responses=ACT)
def stop(
    caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id, later: BackgroundTasks
) -> AssignedTicket:
    """End a ticket and its running trials; what it made stays, its open gates ask no more."""
    stopped = once.answer(lambda: lab.office.stop(id, caller.name), AssignedTicket)
    later.add_task(_halt, lab, id)
    return stopped


@router.post("/{id}/retry", responses=ACT)
def retry(caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id) -> AssignedTicket:
    """Let a failed or stopped ticket go on from where it was."""
    return once.answer(lambda: lab.office.retry(id, caller.name), AssignedTicket)


@router.patch("/{id}/budget", responses=ACT)
def change_budget(
    caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id, change: BudgetChange
) -> AssignedTicket:
    """Change some fields of a ticket's budget; to raise one is for an approver."""
    changes = change.model_dump(exclude_unset=True)

    def changed() -> AssignedTicket:
        before = lab.ledger.tickets.get(id).budget
        made = lab.office.change_budget(id, caller.name, changes)
        _may_raise(caller, before, made.budget)
        return made

    return once.answer(changed, AssignedTicket)


def _halt(lab: Lab, id: str) -> None:
    """Ends a stopped ticket's containers; where the engine is away, the crew does when it works."""
    try:
        halt(lab.opened, id)
    except EngineError as error:
        _LOG.warning("The containers of %s could not be stopped now: %s", id, error.message)


def _may_raise(caller: Caller, before: Budget, after: Budget) -> None:
    """Raises NotAllowed."""
    more = raised(before, after)
    if more and not caller.may("approver"):
        raise NotAllowed(
            f"{caller.name} is a {caller.role} here; to raise a budget's {', '.join(more)} is"
            " for an approver.",
            "Ask an approver.",
        )


def _examined(ticket: Ticket, beside: Path, lab: Lab) -> tuple[str, ...]:
    """What a person should know of a ticket that can be taken. Raises InputError."""
    from sandboxes.git.repositories import GitRepositories

    with tempfile.TemporaryDirectory(prefix="labcrew-check-") as folder:
        repositories = GitRepositories(Path(folder))
        return examine(ticket, "check", beside, repositories, lab.opened.settings).warnings
