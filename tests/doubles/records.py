"""Records with only the fields that a test is about."""

from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


def with_only(kind: type[M], **fields: Any) -> M:
    """A record without its other fields, unchecked: reading one of them fails."""
    return kind.model_construct(**fields)
