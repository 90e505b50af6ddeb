"""The ledger's tables, built from one short description of each kind of record.

A new kind is one line in KINDS, one attribute in `Ledger` and a migration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from labcrew.domain.background import Schedule
from labcrew.domain.base import Model
from labcrew.domain.conversation import ChatMessage, Proposal, Thread
from labcrew.domain.draft import Draft, Knowledge
from labcrew.domain.evolution import EndedRun, Evolution, Round, ScoredRun
from labcrew.domain.experiment import Incident, Plan, Trial
from labcrew.domain.monitoring import Attachment
from labcrew.domain.programming import ModelCall, Patch
from labcrew.domain.research import Brief, DatasetCard, Finding, Lesson
from labcrew.domain.review import Comment, Decision, Gate, MergeRequest
from labcrew.domain.ticket import AssignedTicket

T = TypeVar("T", bound=Model)

REVISION = "0009"
"""The newest migration; a test holds it against the migrations folder."""

ID_LENGTH = 200
KEY_LENGTH = 500


class Effect(Model):
    """A side effect: first the intent, then what came of it."""

    key: str = Field(description="ticket, logical step, revision; the same on every re-run")
    ticket: str
    payload: dict[str, Any] = Field(description="what is to be done")
    result: dict[str, Any] | None = None
    status: Literal["intended", "done"] = "intended"


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of record: its table, its model, and how a record is named and filed.

    `ticket` is None where a record belongs to the ticket of its parent. With `once_but_for` a
    record is written once: offered again it may differ in these fields alone, and is ignored.
    """

    table: str
    model: type[T]
    id: Callable[[T], str]
    ticket: Callable[[T], str] | None
    parent_table: str = ""
    parent: Callable[[T], str] | None = None
    once_but_for: frozenset[str] | None = None

    @property
    def has_status(self) -> bool:
        return "status" in self.model.model_fields


TICKETS = Kind("tickets", AssignedTicket, lambda r: r.id, lambda r: r.id)
PLANS = Kind("plans", Plan, lambda r: r.id, lambda r: r.ticket)
TRIALS = Kind("trials", Trial, lambda r: r.id, lambda r: r.ticket)
FINDINGS = Kind("findings", Finding, lambda r: r.id, lambda r: r.ticket)
BRIEFS = Kind("briefs", Brief, lambda r: r.ticket, lambda r: r.ticket)
DATASETS = Kind("datasets", DatasetCard, lambda r: r.id, lambda r: r.ticket)
INCIDENTS = Kind("incidents", Incident, lambda r: r.id, lambda r: r.ticket)
GATES = Kind("gates", Gate, lambda r: r.id, lambda r: r.ticket)
DECISIONS = Kind(
    "decisions",
    Decision,
    lambda r: r.gate,
    lambda r: r.ticket,
    parent_table="gates",
    parent=lambda r: r.gate,
    once_but_for=frozenset({"at"}),
)
MERGE_REQUESTS = Kind("merge_requests", MergeRequest, lambda r: r.id, lambda r: r.ticket)
COMMENTS = Kind(
    "comments",
    Comment,
    lambda r: r.id,
    None,
    parent_table="merge_requests",
    parent=lambda r: r.merge_request,
)
LESSONS = Kind("lessons", Lesson, lambda r: r.id, lambda r: r.ticket)
DRAFTS = Kind("drafts", Draft, lambda r: r.id, lambda r: r.id)
KNOWLEDGE = Kind("knowledge", Knowledge, lambda r: r.id, lambda r: r.id)
ATTACHMENTS = Kind("attachments", Attachment, lambda r: r.id, lambda r: r.id)
PATCHES = Kind("patches", Patch, lambda r: r.id, lambda r: r.ticket)
MODEL_CALLS = Kind("model_calls", ModelCall, lambda r: r.id, lambda r: r.ticket)
SCHEDULES = Kind("schedules", Schedule, lambda r: r.id, lambda r: r.id)
THREADS = Kind("threads", Thread, lambda r: r.id, lambda r: r.id)
MESSAGES = Kind("messages", ChatMessage, lambda r: r.id, lambda r: r.thread)
PROPOSALS = Kind("proposals", Proposal, lambda r: r.id, lambda r: r.thread)
EVOLUTIONS = Kind("evolutions", Evolution, lambda r: r.id, lambda r: r.id)
ROUNDS = Kind("rounds", Round, lambda r: r.id, lambda r: r.ticket)
ENDED_RUNS = Kind("ended_runs", EndedRun, lambda r: r.id, lambda r: r.ticket)
SCORED_RUNS = Kind("scored_runs", ScoredRun, lambda r: r.id, lambda r: r.ticket)
EFFECTS = Kind("effects", Effect, lambda r: r.key, lambda r: r.ticket)

KINDS: tuple[Kind[Any], ...] = (
    TICKETS,
    PLANS,
    TRIALS,
    FINDINGS,
    BRIEFS,
    DATASETS,
    INCIDENTS,
    GATES,
    DECISIONS,
    MERGE_REQUESTS,
    COMMENTS,
    LESSONS,
    DRAFTS,
    KNOWLEDGE,
    ATTACHMENTS,
    PATCHES,
    MODEL_CALLS,
    SCHEDULES,
    THREADS,
    MESSAGES,
    PROPOSALS,
    EVOLUTIONS,
    ROUNDS,
    ENDED_RUNS,
    SCORED_RUNS,
    EFFECTS,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# Times are ISO 8601 text in UTC with microseconds: the same on every database, sortable, hashable.
EVENTS = Table(
    "events",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("ticket", String(ID_LENGTH), nullable=False, index=True),
    Column("actor", String(ID_LENGTH), nullable=False),
    Column("kind", String(ID_LENGTH), nullable=False),
    Column("key", String(KEY_LENGTH), nullable=False, unique=True),
    Column("data", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_events_actor_sequence", "actor", "sequence"),
)

# One row: the newest line. Writers of a database server queue for it (SELECT … FOR UPDATE).
HEAD = Table(
    "head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("ticket", String(ID_LENGTH), primary_key=True),
    Column("holder", String(ID_LENGTH), nullable=False),
    Column("token", Integer, nullable=False),
    Column("expires_at", String(40), nullable=False),
)


def _record_table(kind: Kind[Any]) -> Table:
    columns: list[Column[Any]] = [
        Column("id", String(ID_LENGTH), primary_key=True),
        Column("ticket", String(ID_LENGTH), nullable=False),
        Column("line", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", String(40), nullable=False),
        Column("updated_at", String(40), nullable=False),
        Column("document", Text, nullable=False),
    ]
    if kind.has_status:
        columns.append(Column("status", String(40), nullable=False))
    if kind.parent is not None:
        foreign = ForeignKey(f"{kind.parent_table}.id")
        columns.append(Column("parent", String(ID_LENGTH), foreign, nullable=False, index=True))
    # Lists are asked for newest first, of all, of a ticket or of a status, a page at a time.
    indexes = [Index(f"ix_{kind.table}_line", "line")]
    indexes += [
        Index(f"ix_{kind.table}_{column}_line", column, "line")
        for column in ("ticket", *(["status"] if kind.has_status else []))
    ]
    return Table(kind.table, METADATA, *columns, *indexes)


RECORDS: dict[str, Table] = {kind.table: _record_table(kind) for kind in KINDS}
"""By table name: `line` is the event that first recorded the row, `version` counts its changes."""
