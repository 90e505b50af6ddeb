"""The chain of lines: how a line is spelt, hashed, read from its row and checked."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import Row

from labcrew.domain.base import Model, canonical_json
from labcrew.domain.event import Event
from labcrew.errors import LedgerError

RESERVED = "ledger/"
"""Keys that begin so are the ledger's own lines."""


def stamp(moment: datetime) -> str:
    """A time as the ledger spells it: ISO 8601, UTC, microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def text_of(value: Model | Mapping[str, Any]) -> str:
    """A value as JSON text that any reader takes: NaN and infinities become strings.

    Raises:
        LedgerError: the value holds something that JSON or UTF-8 can't carry.
    """
    try:
        if isinstance(value, Model):
            return value.model_dump_json()
        return to_json(value, inf_nan_mode="strings").decode()
    except (PydanticSerializationError, ValueError) as error:
        raise LedgerError(
            f"A value can't be written to the ledger: {error}.",
            "Only valid Unicode text, numbers, lists and mappings can be kept.",
        ) from None


def plain(text: str) -> Any:
    """The value of a JSON text. Raises LedgerError if it isn't JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"A value in the ledger is not JSON: {error}.") from None


def text_hash(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def line_hash(
    sequence: int, at: str, ticket: str, actor: str, kind: str, key: str, data: Any, previous: str
) -> str:
    """What a line's hash must be: SHA-256 over the canonical JSON of its other fields."""
    fields = {
        "sequence": sequence,
        "at": at,
        "ticket": ticket,
        "actor": actor,
        "kind": kind,
        "key": key,
        "data": data,
        "previous": previous,
    }
    return hashlib.sha256(canonical_json(fields).encode()).hexdigest()


def event_of(row: Row[Any]) -> Event:
    """A line from its row."""
    return Event(
        sequence=row.sequence,
        at=datetime.fromisoformat(row.at),
        ticket=row.ticket,
        actor=row.actor,
        kind=row.kind,
        key=row.key,
        data=json.loads(row.data),
        previous=row.previous,
        hash=row.hash,
    )
