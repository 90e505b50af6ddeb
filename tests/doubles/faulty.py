"""Adapters around real ones that fail when a test says so."""

from typing import Any

from labcrew.domain.research import Memory, MemoryRecord, Recalled
from labcrew.errors import ToolError


class ForgetfulMemory:
    """A memory whose findings can't be recalled while it is `out`."""

    def __init__(self, inner: Memory) -> None:
        self.inner = inner
        self.out = True

    def remember(self, records: list[MemoryRecord]) -> None:
        self.inner.remember(records)

    def recall(self, scope: str, query: str, **more: Any) -> list[Recalled]:
        if self.out and scope == "findings":
            raise ToolError("the index of findings can't be read.")
        return self.inner.recall(scope, query, **more)

    def count(self, scope: str) -> int:
        return self.inner.count(scope)

    def clear(self) -> None:
        self.inner.clear()


class Around:
    """Any adapter with some of its methods replaced by others.

    Args:
        inner: the real adapter.
        replaced: method name → what is called instead.
    """

    def __init__(self, inner: Any, **replaced: Any) -> None:
        self.inner = inner
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced.get(name) or getattr(self.inner, name)
