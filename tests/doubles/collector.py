"""An OpenTelemetry collector on loopback: takes OTLP over HTTP, reads its protobuf, keeps spans."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan


@dataclass(frozen=True)
class Seen:
    """One span as it came over the wire."""

    name: str
    id: bytes
    parent: bytes
    kind: str
    attributes: dict[str, Any]
    failed: bool
    message: str
    events: int


@dataclass
class Collector:
    """The running server, and what it was sent."""

    endpoint: str
    status: int = 200
    spans: list[Seen] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def parent_of(self, span: Seen) -> Seen | None:
        return next((other for other in self.spans if other.id == span.parent), None)


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    """Takes spans at POST /v1/traces, with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            sound = self.headers.get("Content-Type") == "application/x-protobuf"
            code = running.status if sound and self.path == "/v1/traces" else 400
            if code == 200:
                running.raw.append(body)
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    running.resources.append(_plain(resource.resource.attributes))
                    for scope in resource.scope_spans:
                        running.spans.extend(map(_seen, scope.spans))
            self.send_response(code)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Collector(f"http://127.0.0.1:{server.server_address[1]}", status)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _seen(span: WireSpan) -> Seen:
    return Seen(
        name=span.name,
        id=span.span_id,
        parent=span.parent_span_id,
        kind=WireSpan.SpanKind.Name(span.kind),
        attributes=_plain(span.attributes),
        failed=span.status.code == 2,
        message=span.status.message,
        events=len(span.events),
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_value(inner) for inner in value.array_value.values]
    return getattr(value, str(which))
