"""A conversation with the coordinator: what is said, what it rests on, and what may be done."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from labcrew.domain.base import Model, content_hash

MOST_CHARACTERS = 20_000
"""Of one message of a person."""

ActionName = Literal[
    "assign", "pause", "resume", "stop", "retry", "budget", "comment", "decide"
]  # fmt: skip


class Row(Model):
    """A record of the ledger, and the newest line that wrote it."""

    table: str
    id: str
    ticket: str = ""
    event: int = Field(default=0, ge=0, description="the line's number; 0: none")

    @property
    def href(self) -> str:
        """Where the board shows it: a ticket's timeline from that line on, or a loop's page; empty:
        nowhere.
        """
        if self.ticket.startswith("E-"):
            return f"/evolutions/{self.ticket}"
        if not self.ticket.startswith("T-"):
            return ""
        place = f"?before={self.event + 1}#l{self.event}" if self.event else ""
        return f"/tickets/{self.ticket}/timeline{place}"


class Figure(Model):
    """A number that stands in no record as it is, and how it is computed from records."""

    shown: str = Field(description="as the statement has it")
    how: Literal["count", "sum", "mean", "difference", "hours_run", "runs_used"] = Field(
        description="hours_run, runs_used: of a ticket's trials, as its budget counts them"
    )
    table: str
    ids: tuple[str, ...] = Field(default=(), description="of the records; none: all that fit")
    ticket: str = Field(default="", description="only its records; empty: of all tickets")
    statuses: tuple[str, ...] = Field(default=(), description="only these; none: any")
    field: str = Field(default="", description="dotted path; empty for a count")
    scale: float = Field(default=1.0, description="what it is multiplied by")


class Statement(Model):
    """One thing that is said, with the records that say so."""

    text: str
    rows: tuple[Row, ...] = ()
    figures: tuple[Figure, ...] = ()


class Focus(Model):
    """What a message was about: what `it` and `the second one` mean afterwards."""

    intent: str = ""
    tickets: tuple[str, ...] = ()
    trials: tuple[int, ...] = ()
    gate: str = ""
    merge_request: str = ""
    metric: str = ""
    listed: tuple[str, ...] = Field(default=(), description="ids in the order in which they stood")
    asked: str = Field(default="", description="the person's words that a question was asked about")
    choices: tuple[str, ...] = Field(default=(), description="readings offered, likeliest first")


class Proposal(Model):
    """Something that is done once a person confirms it, and only if nothing changed meanwhile."""

    id: str
    thread: str
    by: str = Field(description="the person who asked, and who alone may confirm")
    action: ActionName
    target: str = Field(description="ticket, gate or merge request; empty: a new ticket")
    arguments: dict[str, Any] = Field(default_factory=dict)
    shown: tuple[str, ...] = Field(description="exactly what will be done, a line each")
    state: str = Field(description="hash of what it would change, as it stood when it was shown")
    status: Literal["open", "confirmed", "done", "refused", "lapsed", "failed"] = "open"
    outcome: str = Field(default="", description="what came of it, in words")

    @property
    def payload_hash(self) -> str:
        """What a confirmation binds to: the action, its arguments, and what they would change."""
        return content_hash(
            {
                "id": self.id,
                "action": self.action,
                "target": self.target,
                "arguments": self.arguments,
                "shown": list(self.shown),
                "state": self.state,
            }
        )


class ChatMessage(Model):
    """One message of a thread."""

    id: str = Field(description="thread and number")
    thread: str
    number: int = Field(ge=1)
    role: Literal["person", "coordinator"]
    at: datetime
    text: str = Field(default="", description="a person's words, or what a model wrote")
    statements: tuple[Statement, ...] = ()
    by: str = Field(description="a person's name, rule, or model:<name>")
    note: str = Field(default="", description="e.g. why the model did not answer")
    proposal: str = Field(default="", description="id of what waits for a yes")
    choices: tuple[str, ...] = Field(default=(), description="what may be said next, in words")
    focus: Focus = Focus()
    answers: int = Field(default=0, ge=0, description="number of the message it answers; 0: none")
    key: str = Field(default="", description="idempotency key of the request; empty: none")


class Thread(Model):
    """A person's conversation."""

    id: str
    by: str
    title: str
    opened_at: datetime
