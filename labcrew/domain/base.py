"""What every domain type shares: closed, immutable, hashable by content."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A value that crosses folders: no unknown fields, no change after construction."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        ser_json_inf_nan="strings",
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


def canonical_json(value: Any) -> str:
    """One spelling of a JSON value: sorted keys, no spaces, so that equal values hash alike."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(value: BaseModel | dict[str, Any] | list[Any] | str) -> str:
    """The SHA-256 of a value's canonical JSON, as 64 hexadecimal digits."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return hashlib.sha256(canonical_json(plain).encode()).hexdigest()
