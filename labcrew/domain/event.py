"""The ledger's lines."""

from datetime import datetime
from typing import Any

from pydantic import Field

from labcrew.domain.base import Model

GENESIS = "0" * 64


class Event(Model):
    """One line of the append-only log; `hash` covers all other fields and the line before."""

    sequence: int = Field(ge=1)
    at: datetime
    ticket: str = Field(default="", description="empty: concerns the home")
    actor: str = Field(description="an agent, 'person:<name>', 'worker' or 'rule'")
    kind: str = Field(description="dotted, e.g. trial.started")
    key: str = Field(description="idempotency key: one event a key, whatever is re-run")
    data: dict[str, Any]
    previous: str
    hash: str
