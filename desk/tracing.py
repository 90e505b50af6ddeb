"""Sends spans to an OpenTelemetry collector, by OTLP over HTTP, where a lab set one up."""

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from labcrew.domain.chat import Message
from labcrew.errors import SettingsError
from labcrew.redaction import Redaction
from labcrew.settings import TracingSettings
from labcrew.tracing import OFF, Attribute, Span, SpanKind, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_CONTENT_IN_SPANS = ("true", "span_only", "span_and_event")
_TEXT_CHARACTERS = 20_000
_PATIENCE_S = 5
_MISSING = "Install it with `pip install 'labcrew[tracing]'`."


@contextmanager
def tracing(
    settings: TracingSettings,
    redact: Redaction,
    say: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Tracer]:
    """A tracer that sends what it is told; nothing is sent without an endpoint.

    Args:
        settings: their endpoint wins over the environment's, which OpenTelemetry reads itself.
        redact: takes secrets out of what is sent.
        say: is told once if the collector takes nothing.

    Raises:
        SettingsError: settings name an endpoint, and the packages for it are not there.
    """
    named = any(environment.get(name) for name in _ENDPOINTS)
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if disabled or not (settings.endpoint or named):
        yield OFF
        return
    try:
        exporter = _exporter(settings.endpoint)
    except ImportError:
        if settings.endpoint:
            raise SettingsError("Setting tracing.endpoint needs more packages.", _MISSING) from None
        say(f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but no spans are sent. {_MISSING}")
        yield OFF
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = {"service.version": version("labcrew")}
    if not environment.get("OTEL_SERVICE_NAME"):
        about["service.name"] = settings.service
    # A provider of our own: libraries that set the global one keep theirs.
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_telling(exporter, say)))
    content = environment.get(_CONTENT, "").lower() in _CONTENT_IN_SPANS
    try:
        yield OtelTracer(provider.get_tracer("labcrew", about["service.version"]), redact, content)
    finally:
        provider.shutdown()


def _exporter(endpoint: str | None) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # The library logs each batch that was not taken; a person is told once, by us.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    if endpoint is None:
        return OTLPSpanExporter()
    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_PATIENCE_S)


def _telling(exporter: "SpanExporter", say: Callable[[str], None]) -> "SpanExporter":
    """The exporter, which says once that a batch was not taken."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Telling(SpanExporter):
        told = False

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = exporter.export(spans)
            if result is not SpanExportResult.SUCCESS and not self.told:
                self.told = True
                say("Traces can't be sent: the OpenTelemetry collector does not take them.")
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Telling()


class OtelTracer:
    """Spans of OpenTelemetry.

    Args:
        tracer: begins them.
        redact: takes secrets out.
        content: whether prompts and answers are sent too.
    """

    def __init__(self, tracer: Any, redact: Redaction, content: bool) -> None:
        self._tracer, self._redact, self._content = tracer, redact, content

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Mapping[str, Attribute] | None = None,
        *,
        kind: SpanKind = "internal",
    ) -> Iterator[Span]:
        """A span; what leaves it as an exception marks it failed, by its type alone."""
        from opentelemetry import trace

        with self._tracer.start_as_current_span(
            name,
            kind=trace.SpanKind.CLIENT if kind == "client" else trace.SpanKind.INTERNAL,
            attributes=_full(attributes or {}),
            record_exception=False,  # its message may hold what a model or a repository said
            set_status_on_exception=False,
        ) as inner:
            span = OtelSpan(inner, self._redact, self._content)
            try:
                yield span
            except BaseException as error:
                if not _only_waits(error) and not span.has_failed:
                    span.failed(type(error).__name__)
                raise


class OtelSpan:
    """One span of OpenTelemetry."""

    def __init__(self, span: Any, redact: Redaction, content: bool) -> None:
        self._span, self._redact, self._content = span, redact, content
        self.has_failed = False

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Adds attributes; empty ones are left out."""
        self._span.set_attributes(_full(attributes))

    def failed(self, kind: str, message: str = "") -> None:
        """Marks it as failed: error.type, and a message without secrets."""
        from opentelemetry.trace import Status, StatusCode

        self.has_failed = True
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR, self._redact(message) or None))

    def said(self, sent: Sequence[Message], answer: Message | None) -> None:
        """The conversation, in OpenTelemetry's shape, where content is asked for."""
        if not self._content:
            return
        system = [m for m in sent if m.role == "system"]
        turns = [m for m in sent if m.role != "system"]
        shown: dict[str, Any] = {
            "gen_ai.system_instructions": [part for m in system for part in self._parts(m)],
            "gen_ai.input.messages": [self._message(m) for m in turns],
        }
        if answer is not None:
            shown["gen_ai.output.messages"] = [self._message(answer)]
        self._span.set_attributes({name: json.dumps(value) for name, value in shown.items()})

    def _message(self, message: Message) -> dict[str, Any]:
        return {"role": message.role, "parts": self._parts(message)}

    def _parts(self, message: Message) -> list[dict[str, Any]]:
        text = self._text(message.content)
        if message.role == "tool":
            return [{"type": "tool_call_response", "id": message.answers, "response": text}]
        parts: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
        for call in message.calls:
            arguments = self._text(call.arguments)
            parts.append(
                {"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}
            )
        return parts

    def _text(self, text: str) -> str:
        return self._redact(text[:_TEXT_CHARACTERS])


def _full(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name: value for name, value in attributes.items() if value != ""}


def _only_waits(error: BaseException) -> bool:
    """Whether a step ended because a person is waited for, or halted it."""
    from langgraph.errors import GraphBubbleUp

    from graphs.work import Halted

    return isinstance(error, GraphBubbleUp | Halted | GeneratorExit)
