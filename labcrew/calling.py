"""Who asks a chat model, and for which step: what a call is accounted to and found again by."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from labcrew.domain.chat import Tokens
from labcrew.errors import ModelFailure

NOBODY = "crew"


@dataclass
class Step:
    """One logical step of an agent, and the calls to models that were made in it.

    Args:
        agent: whose account the calls go to.
        key: the step's name, the same on every re-run after a crash; empty: never found again.
        calls: ids of the calls, in the order in which they were begun; a call that was answered
            from the records has the id of the first one.
        refused: why the account let no further call begin; empty: it did.
    """

    agent: str = NOBODY
    key: str = ""
    calls: list[str] = field(default_factory=list)
    refused: str = ""


class Meter(Protocol):
    """Is told of every request that a call makes, retries and fallbacks alike."""

    def begin(self, name: str) -> None:
        """A request is about to be sent. Raises ModelFailure: over_budget, it may not be."""

    def answered(self, tokens: Tokens) -> None:
        """The request was answered."""

    def failed(self, failure: ModelFailure) -> None:
        """The request failed; without tokens it may have used all that it could."""


class _Unmetered:
    """Stands where nobody pays."""

    def begin(self, name: str) -> None:
        pass

    def answered(self, tokens: Tokens) -> None:
        pass

    def failed(self, failure: ModelFailure) -> None:
        pass


_METER: ContextVar[Meter | None] = ContextVar("labcrew_meter", default=None)
_STEP: ContextVar[Step | None] = ContextVar("labcrew_step", default=None)


@contextmanager
def step(agent: str, key: str = "") -> Iterator[Step]:
    """Says whose the calls inside are; tasks that are begun inside belong to it too."""
    inside = Step(agent, key)
    token = _STEP.set(inside)
    try:
        yield inside
    finally:
        _STEP.reset(token)


def current() -> Step:
    """The step that is under way, or one of nobody's."""
    return _STEP.get() or Step()


@contextmanager
def metered(by: Meter) -> Iterator[None]:
    """Says who is told of the requests inside."""
    token = _METER.set(by)
    try:
        yield
    finally:
        _METER.reset(token)


def meter() -> Meter:
    """Who is told of a request."""
    return _METER.get() or _Unmetered()
