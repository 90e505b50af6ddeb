"""Lists in pages: newest first, each with a cursor for the next."""

from collections.abc import Sequence
from typing import Annotated, Generic, Self, TypeVar

from fastapi import Query
from pydantic import Field

from labcrew.domain.base import Model

T = TypeVar("T")
MOST = 200

Limit = Annotated[int, Query(ge=1, le=MOST, description="entries a page")]
Before = Annotated[
    int | None, Query(ge=1, le=2**53, description="the `next` of the page before, for the next")
]


class Page(Model, Generic[T]):
    """A part of a list."""

    items: tuple[T, ...]
    next: int | None = Field(description="cursor of the next page; null: this is the last")

    @classmethod
    def of(cls, rows: Sequence[tuple[int, T]], limit: int) -> Self:
        """A page from rows with their numbers, as `Records.page` gives them."""
        more = rows[-1][0] if len(rows) == limit else None
        return cls(items=tuple(row for _, row in rows), next=more)
