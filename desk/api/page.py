"""Lists in pages: newest first, each with a cursor for the next."""

from typing import Annotated, Generic, TypeVar

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
    """A part of a list, newest first."""

    items: tuple[T, ...]
    next: int | None = Field(description="cursor of the next page; null: this is the last")
