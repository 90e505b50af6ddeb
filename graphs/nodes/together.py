"""Waiting for several things at once."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def together(*parts: Awaitable[T]) -> list[T]:
    """Waits for all, then raises the first error: none is left running behind a failed step."""
    done = await asyncio.gather(*parts, return_exceptions=True)
    found: list[T] = []
    for result in done:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found
