"""Spans of work, for whoever traces it; without a tracer they cost next to nothing.

desk/ builds a tracer that sends OpenTelemetry spans where a lab set one up. The names of
attributes are OpenTelemetry's conventions for generative AI; what has no name there begins with
`labcrew.`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

from labcrew.domain.chat import Message

Attribute = str | int | float | bool | Sequence[str]
SpanKind = Literal["internal", "client"]


class Span(Protocol):
    """Work that is under way."""

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Adds attributes."""

    def failed(self, kind: str, message: str = "") -> None:
        """Marks it as failed.

        Args:
            kind: of few values, e.g. an exception's name.
            message: for people; shown to whoever sees the traces.
        """

    def said(self, sent: Sequence[Message], answer: Message | None) -> None:
        """Adds a conversation's text; only where the lab asked for content in its traces."""


class Tracer(Protocol):
    """Begins spans; what is begun inside one belongs to it."""

    def span(
        self,
        name: str,
        attributes: Mapping[str, Attribute] | None = None,
        *,
        kind: SpanKind = "internal",
    ) -> AbstractContextManager[Span]:
        """A span that lasts as long as its block; an exception that leaves it marks it failed."""


class _NoSpan:
    def note(self, attributes: Mapping[str, Attribute]) -> None:
        pass

    def failed(self, kind: str, message: str = "") -> None:
        pass

    def said(self, sent: Sequence[Message], answer: Message | None) -> None:
        pass


class NoTracer:
    """Traces nothing."""

    _nothing = nullcontext(_NoSpan())

    def span(
        self,
        name: str,
        attributes: Mapping[str, Attribute] | None = None,
        *,
        kind: SpanKind = "internal",
    ) -> AbstractContextManager[Span]:
        """A span of nothing."""
        return self._nothing


OFF = NoTracer()
