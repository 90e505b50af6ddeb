"""A ledger as a busy lab has after years, written in bulk and honestly chained."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from labcrew.domain.base import Model, canonical_json
from labcrew.domain.event import GENESIS
from labcrew.domain.experiment import Score, Trial, TrialResult
from labcrew.domain.review import Decision, Gate
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger.anchor import Anchor, Head
from labcrew.ledger.chain import line_hash, stamp, text_hash, text_of
from labcrew.ledger.records import put_key
from labcrew.ledger.schema import DECISIONS, EVENTS, GATES, HEAD, RECORDS, TICKETS, TRIALS, Kind
from labcrew.ticket_file import read_ticket
from labcrew.ticket_reference import EXAMPLE

TRIALS_EACH = 20
OPEN_GATES = 200
_BATCH = 20_000
_START = datetime(2020, 1, 1, tzinfo=UTC)
_HASH = "0" * 64


class _Writer:
    """Lines and rows, in order; flushed many at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.head = Head(0, GENESIS)
        self._lines: list[dict[str, Any]] = []
        self._rows: dict[str, dict[str, dict[str, Any]]] = {}

    def line(self, ticket: str, actor: str, kind: str, key: str, data: dict[str, Any]) -> int:
        sequence, previous = self.head.sequence + 1, self.head.hash
        at = stamp(_START + timedelta(seconds=100 * sequence))
        digest = line_hash(sequence, at, ticket, actor, kind, key, data, previous)
        self._lines.append(
            {
                "sequence": sequence,
                "at": at,
                "ticket": ticket,
                "actor": actor,
                "kind": kind,
                "key": key,
                "data": canonical_json(data),
                "previous": previous,
                "hash": digest,
            }
        )
        self.head = Head(sequence, digest)
        return sequence

    def put(self, kind: Kind[Any], record: Model, actor: str, name: str = "") -> None:
        id, document = kind.id(record), text_of(record)
        assert kind.ticket is not None
        rows = self._rows.setdefault(kind.table, {})
        row = rows.get(id)
        version = 1 if row is None else row["version"] + 1
        data = {
            "table": kind.table,
            "id": id,
            "version": version,
            "sha256": text_hash(document),
        }
        ticket = kind.ticket(record)
        line = self.line(
            ticket, actor, name or f"{kind.table}.put", put_key(kind.table, id, version), data
        )
        at = self._lines[-1]["at"]
        values = {"document": document, "updated_at": at, "version": version, "ticket": ticket}
        if kind.has_status:
            values["status"] = record.status  # type: ignore[attr-defined]
        if kind.parent is not None:
            values["parent"] = kind.parent(record)
        if row is None:
            rows[id] = {"id": id, "line": line, "created_at": at, **values}
        else:
            row.update(values)

    def flush(self, *, last: bool = False) -> None:
        """Writes what is gathered; not within a ticket, for its rows still change."""
        if not last and len(self._lines) < _BATCH:
            return
        if self._lines:
            self._connection.execute(EVENTS.insert(), self._lines)
        for table, rows in self._rows.items():
            if rows:
                self._connection.execute(RECORDS[table].insert(), list(rows.values()))
        self._lines, self._rows = [], {table: {} for table in self._rows}


def write_ledger(url: str, anchor: Path, *, tickets: int, events: int) -> None:
    """Fills a new ledger.

    Args:
        url: of a ledger that was opened once, so that its tables are there.
        anchor: its head file.
        tickets: how many.
        events: lines in all, at least about 70 a ticket.
    """
    each = events // tickets
    engine = create_engine(url)
    with engine.begin() as connection:
        writer = _Writer(connection)
        form = _assigned()
        for number in range(1, tickets + 1):
            before = writer.head.sequence
            ended = number <= tickets - OPEN_GATES
            _ticket(writer, form, number, ended)
            for more in range(before + each - writer.head.sequence):
                data = {"call": {"path": "data/train.csv"}, "digest": _HASH}
                id = f"T-{number:03d}"
                writer.line(id, "log_monitor", "tool.called", f"{id}/call/{more}", data)
            writer.flush()
        for more in range(events - writer.head.sequence):
            writer.line("", "worker", "home.noted", f"home/{more}", {})
        writer.flush(last=True)
        connection.execute(
            HEAD.update().values(sequence=writer.head.sequence, hash=writer.head.hash)
        )
    engine.dispose()
    Anchor(anchor).write(writer.head)


def _ticket(writer: _Writer, form: AssignedTicket, number: int, ended: bool) -> None:
    id = f"T-{number:03d}"
    made = form.model_copy(update={"id": id, "status": "assigned"})
    writer.put(TICKETS, made, "person:ada", "ticket.assigned")
    gate = Gate(
        id=f"{id}-plan-r0.0",
        ticket=id,
        kind="plan",
        title=f"Plan for {id}",
        description="1. Run it as it is.\n2. Search.\n" * 5,
        shown={"plan": {"suggestions": [], "quarantine": []}, "budget": {"trials": 20}},
        allowed=("accept", "edit", "respond", "ignore"),
        safe_default="ignore",
        opened_at=_START,
        expires_at=None,
    )
    writer.put(GATES, gate, "coordinator", "gate.opened")
    if ended:
        decision = Decision(
            gate=gate.id,
            ticket=id,
            kind="accept",
            by="ada",
            at=_START,
            payload_hash=gate.payload_hash,
        )
        writer.put(DECISIONS, decision, "person:ada", "gate.decided")
        writer.put(GATES, gate.model_copy(update={"status": "decided"}), "person:ada")
    for trial in _trials(id):
        writer.put(TRIALS, trial.model_copy(update={"status": "planned", "score": None}), "worker")
        writer.put(TRIALS, trial.model_copy(update={"status": "running"}), "experiment_launcher")
        writer.put(TRIALS, trial, "log_monitor", "trial.ended")
    status = "done" if ended else "waiting"
    writer.put(TICKETS, made.model_copy(update={"status": status}), "worker")


def _trials(id: str) -> Iterator[Trial]:
    for number in range(TRIALS_EACH):
        name = f"{id}-{number:03d}"
        yield Trial.model_construct(
            id=name,
            ticket=id,
            number=number,
            kind="baseline" if number == 0 else "search",
            values={"learning_rate": 0.01 * number, "batch_size": 32},
            seed=number,
            data="original",
            memory_mb=1024,
            status="scored",
            result=_RESULT,
            score=_SCORE.model_copy(update={"trial": name, "value": 0.9 + number / 1000}),
        )


def _assigned() -> AssignedTicket:
    ticket = read_ticket(EXAMPLE)
    return AssignedTicket(
        id="T-001",
        ticket=ticket,
        source="ticket.md",
        assigned_by="ada",
        assigned_at=stamp(_START),
        repository="/lab/digits",
        base_commit=_HASH[:40],
        target_branch="main",
        budget=ticket.budget,
    )


_RESULT = TrialResult(
    exit_code=0,
    reason="it ended",
    duration_s=36,
    outputs_sha256=_HASH,
    output_files=1,
    log_bytes=10,
    reported=0.5,
)
_SCORE = Score(
    value=0.9,
    split="validation",
    source="evaluator",
    trial="",
    commit=_HASH[:40],
    data_sha256=_HASH,
    outputs_sha256=_HASH,
    seed=0,
    image_digest=f"sha256:{_HASH}",
)
