"""What the memory holds, with where each comes from and whether it still holds."""

from functools import cached_property
from itertools import islice
from typing import Literal

from pydantic import Field

from desk.views.recall import Scope
from labcrew.domain.base import Model
from labcrew.domain.remembered import record_of_finding, record_of_lesson
from labcrew.domain.research import MemoryRecord, data_hash
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger
from labcrew.trial_records import records_of_trials

_NEWEST = 200
_LOOKED_AT = 5


class Held(Model):
    """One thing that is remembered."""

    record: MemoryRecord
    state: Literal["holds", "lapsed", "free"] = Field(
        description="free: it rests on no code or data of the lab"
    )
    because: str
    similarity: float | None = Field(default=None, description="to what was asked; None: listed")
    source: str = Field(default="", description="where a finding was read")


class Present:
    """The newest code and data of each repository, as the ledger knows them.

    Args:
        ledger: only read; its newest 200 tickets and merge requests are looked at.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._data: dict[str, tuple[str, frozenset[str]]] = {}

    @cached_property
    def _tickets(self) -> list[tuple[int, AssignedTicket]]:
        return self._ledger.tickets.page(limit=_NEWEST)

    @cached_property
    def _repositories(self) -> dict[str, str]:
        return {ticket.id: ticket.repository for _, ticket in self._tickets}

    @cached_property
    def _commits(self) -> dict[str, tuple[int, str]]:
        """Repository → the newest line that names a commit of it, and that commit."""
        found: dict[str, tuple[int, str]] = {}
        for line, ticket in self._tickets:
            found.setdefault(ticket.repository, (line, ticket.base_commit))
        for line, request in self._ledger.merge_requests.page(limit=_NEWEST, status="merged"):
            repository = self._repositories.get(request.ticket, "")
            if line > found.get(repository, (line, ""))[0]:
                found[repository] = (line, request.commit)
        return found

    def _data_of(self, repository: str) -> tuple[str, frozenset[str]]:
        """The newest ticket that looked at a repository's data, and the hashes of what it saw."""
        if repository not in self._data:
            mine = (t.id for _, t in self._tickets if t.repository == repository)
            self._data[repository] = ("", frozenset())
            for id in islice(mine, _LOOKED_AT):
                if cards := self._ledger.datasets.of(id):
                    seen = frozenset(data_hash(cards, cleaned=cleaned) for cleaned in (False, True))
                    self._data[repository] = (id, seen)
                    break
        return self._data[repository]

    def held(self, record: MemoryRecord, similarity: float | None = None) -> Held:
        """A record, judged by what its repository is now."""
        source = ""
        if record.scope == "findings" and (finding := self._ledger.findings.find(record.id)):
            cited = finding.citation
            source = f"{cited.title} ({cited.locator}), {cited.verification.replace('_', ' ')}"
        state, because = self._judged(record)
        return Held(
            record=record, state=state, because=because, similarity=similarity, source=source
        )

    def _judged(self, record: MemoryRecord) -> tuple[Literal["holds", "lapsed", "free"], str]:
        if not record.commit and not record.data_hash:
            return "free", "It rests on its source, not on this lab's code or data."
        repository = self._repositories.get(record.ticket)
        if repository is None:
            return "free", "Its repository is not among the newest tickets: it can't be compared."
        _, commit = self._commits[repository]
        if record.commit and record.commit != commit:
            return "lapsed", f"It rests on {record.commit[:12]}; the code is at {commit[:12]} now."
        ticket, seen = self._data_of(repository)
        if record.data_hash and ticket and record.data_hash not in seen:
            return "lapsed", f"The data has changed since: {ticket} saw other files."
        return "holds", "The code and data that it rests on are the newest that the ledger knows."


def newest(
    ledger: Ledger, scope: Scope, limit: int, before: int | None = None
) -> list[tuple[int, MemoryRecord]]:
    """A page of what is remembered, newest first, each with its cursor."""
    if scope == "lessons":
        lessons = ledger.lessons.page(limit=limit, before=before)
        return [(line, record_of_lesson(lesson)) for line, lesson in lessons]
    if scope == "findings":
        findings = ledger.findings.page(limit=limit, before=before)
        return [(line, record_of_finding(finding)) for line, finding in findings]
    trials = ledger.trials.page(limit=limit, before=before)
    records = records_of_trials(ledger, (trial for _, trial in trials))
    return [(line, record) for (line, _), record in zip(trials, records, strict=True)]
