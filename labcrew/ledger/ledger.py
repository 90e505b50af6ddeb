"""The ledger's face: everything the rest of labcrew may do with it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labcrew.domain.background import Schedule
from labcrew.domain.conversation import ChatMessage, Proposal, Thread
from labcrew.domain.draft import Draft, Knowledge
from labcrew.domain.evolution import EndedRun, Evolution, Round, ScoredRun
from labcrew.domain.experiment import Incident, Plan, Trial
from labcrew.domain.monitoring import Attachment
from labcrew.domain.programming import ModelCall, Patch
from labcrew.domain.research import Brief, DatasetCard, Finding, Lesson
from labcrew.domain.review import Comment, Decision, Gate, MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import schema
from labcrew.ledger.effects import Effects
from labcrew.ledger.events import Events
from labcrew.ledger.leases import Lease, Leases
from labcrew.ledger.opening import Check, prepare
from labcrew.ledger.records import Records
from labcrew.ledger.schema import Effect
from labcrew.ledger.store import Store
from labcrew.ledger.verify import verify
from labcrew.ports import Clock


class Ledger:
    """Records, events, effects and leases of one home; safe to share between threads."""

    tickets: Records[AssignedTicket]
    plans: Records[Plan]
    trials: Records[Trial]
    findings: Records[Finding]
    briefs: Records[Brief]
    datasets: Records[DatasetCard]
    incidents: Records[Incident]
    gates: Records[Gate]
    decisions: Records[Decision]
    merge_requests: Records[MergeRequest]
    comments: Records[Comment]
    lessons: Records[Lesson]
    drafts: Records[Draft]
    knowledge: Records[Knowledge]
    attachments: Records[Attachment]
    patches: Records[Patch]
    model_calls: Records[ModelCall]
    schedules: Records[Schedule]
    threads: Records[Thread]
    messages: Records[ChatMessage]
    proposals: Records[Proposal]
    evolutions: Records[Evolution]
    rounds: Records[Round]
    ended_runs: Records[EndedRun]
    scored_runs: Records[ScoredRun]
    events: Events
    effects: Effects

    def __init__(self, store: Store, lease: Lease | None = None) -> None:
        self._store = store
        self._lease = lease
        self._leases = Leases(store)
        self.events = Events(store, lease)
        self.effects = Effects(store, lease)
        self.tickets = Records(store, schema.TICKETS, lease)
        self.plans = Records(store, schema.PLANS, lease)
        self.trials = Records(store, schema.TRIALS, lease)
        self.findings = Records(store, schema.FINDINGS, lease)
        self.briefs = Records(store, schema.BRIEFS, lease)
        self.datasets = Records(store, schema.DATASETS, lease)
        self.incidents = Records(store, schema.INCIDENTS, lease)
        self.gates = Records(store, schema.GATES, lease)
        self.decisions = Records(store, schema.DECISIONS, lease)
        self.merge_requests = Records(store, schema.MERGE_REQUESTS, lease)
        self.comments = Records(store, schema.COMMENTS, lease)
        self.lessons = Records(store, schema.LESSONS, lease)
        self.drafts = Records(store, schema.DRAFTS, lease)
        self.knowledge = Records(store, schema.KNOWLEDGE, lease)
        self.attachments = Records(store, schema.ATTACHMENTS, lease)
        self.patches = Records(store, schema.PATCHES, lease)
        self.model_calls = Records(store, schema.MODEL_CALLS, lease)
        self.schedules = Records(store, schema.SCHEDULES, lease)
        self.threads = Records(store, schema.THREADS, lease)
        self.messages = Records(store, schema.MESSAGES, lease)
        self.proposals = Records(store, schema.PROPOSALS, lease)
        self.evolutions = Records(store, schema.EVOLUTIONS, lease)
        self.rounds = Records(store, schema.ROUNDS, lease)
        self.ended_runs = Records(store, schema.ENDED_RUNS, lease)
        self.scored_runs = Records(store, schema.SCORED_RUNS, lease)

    @classmethod
    def open(
        cls, url: str, *, anchor: Path, clock: Clock, check: Check = "auto", wait_s: float = 60
    ) -> Self:
        """Opens a ledger, makes it if it is new, and migrates it if it is old.

        Args:
            url: any SQLAlchemy URL, e.g. sqlite:///ledger.db.
            anchor: the head file, outside the database.
            clock: where lines and leases get their times.
            check: how much of the chain is checked first, see `labcrew.ledger.opening`.
            wait_s: how long another writer is waited for, in seconds.

        Raises:
            LedgerError: damaged, cut off, changed by hand, newer than this labcrew, or locked.
        """
        store = Store(url, anchor, clock, wait_s)
        try:
            prepare(store, check)
        except BaseException:
            store.close()
            raise
        return cls(store)

    def close(self) -> None:
        """Closes the database, for fenced views too."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Groups any number of writes in one commit: all of them stand, or none.

        An inner transaction joins the outer one, and is undone by itself if it fails. It belongs
        to this thread and task: don't await inside it.
        """
        return self._store.grouped(self._lease)

    def fenced(self, lease: Lease) -> "Ledger":
        """A view whose every write first checks that the lease is current, else LeaseLost."""
        return Ledger(self._store, lease)

    def acquire(
        self, ticket: str, holder: str, ttl_s: float, *, take_over: bool = False
    ) -> Lease | None:
        """Takes a ticket for `ttl_s` seconds; None while another's lease lasts. See `Leases`."""
        return self._leases.acquire(ticket, holder, ttl_s, take_over=take_over)

    def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Extends a lease to `ttl_s` seconds from now. Raises LeaseLost."""
        return self._leases.renew(lease, ttl_s)

    def release(self, lease: Lease) -> None:
        """Gives a ticket back; its token is void from now on."""
        self._leases.release(lease)

    def lease_of(self, ticket: str) -> Lease | None:
        """The lease that stands now, if any."""
        return self._leases.of(ticket)

    def effect(self, key: str) -> Effect | None:
        """The effect with this key, None where it was never intended."""
        return self.effects.find(key)

    def intend(self, key: str, ticket: str, payload: dict[str, Any]) -> Effect:
        """Writes down what is about to be done. Raises LedgerError on another payload."""
        return self.effects.intend(key, ticket, payload)

    def done(self, key: str, result: dict[str, Any]) -> None:
        """Writes down what came of an intent. Raises NotFound, LedgerError on another result."""
        self.effects.done(key, result)

    def once(
        self,
        key: str,
        ticket: str,
        payload: dict[str, Any],
        perform: Callable[[], dict[str, Any]],
        find: Callable[[], dict[str, Any] | None],
    ) -> dict[str, Any]:
        """Does something in the world once, see `Effects.once`."""
        return self.effects.once(key, ticket, payload, perform, find)

    async def once_async(
        self,
        key: str,
        ticket: str,
        payload: dict[str, Any],
        perform: Callable[[], Awaitable[dict[str, Any]]],
        find: Callable[[], Awaitable[dict[str, Any] | None]] | None,
        settle: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """`once` with awaitables; `settle` writes along with the done row."""
        return await self.effects.once_async(key, ticket, payload, perform, find, settle)

    def verify(self) -> list[str]:
        """Checks everything; [] when sound, else a sentence a problem with the line's number."""
        return verify(self._store)
