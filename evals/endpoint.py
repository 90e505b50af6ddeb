"""A scripted chat endpoint: a real HTTP server on loopback that speaks OpenAI's protocol.

It answers what its script says, in order, and then for ever what the script ends with; it keeps the
requests, and refuses one that does not follow the protocol. For tests and for the attack battery.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal


@dataclass(frozen=True)
class Says:
    """A structured answer: a JSON value, or text as it is."""

    value: Any
    finish_reason: str = "stop"


@dataclass(frozen=True)
class Refuses:
    """The model declines."""

    reason: str = "I can't help with that."


@dataclass(frozen=True)
class Status:
    """An HTTP error."""

    code: int
    retry_after_s: float | None = None
    message: str = "scripted error"


@dataclass(frozen=True)
class Breaks:
    """A fault of the connection or the protocol.

    Args:
        how: "hang" sends nothing until the server stops; "close" drops the connection; "truncate"
            ends in mid-body; "garbage" is no JSON; "no_choices" is JSON without an answer.
    """

    how: Literal["hang", "close", "truncate", "garbage", "no_choices"]


Reply = Says | Refuses | Status | Breaks


@dataclass
class Endpoint:
    """The running server.

    Args:
        base_url: what a client is given.
        requests: the bodies that were received, oldest first.
        keys: the Authorization headers that came with them.
        answers: makes a reply from a request, in place of the script.
    """

    base_url: str
    script: Sequence[Reply]
    answers: Callable[[dict[str, Any]], Reply] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_reply(self, body: dict[str, Any], key: str) -> Reply:
        with self.lock:
            self.requests.append(body)
            self.keys.append(key)
            if self.answers is not None:
                return self.answers(body)
            return self.script[min(len(self.requests), len(self.script)) - 1]


@contextmanager
def endpoint(
    *script: Reply, answers: Callable[[dict[str, Any]], Reply] | None = None
) -> Iterator[Endpoint]:
    """Serves a script, or what `answers` makes of each request, on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            trouble = _protocol_trouble(self.path, body)
            if trouble:
                self._send(400, {"error": {"message": trouble, "type": "invalid_request_error"}})
                return
            self._reply(running.next_reply(body, self.headers.get("Authorization", "")), body)

        def _reply(self, reply: Reply, body: dict[str, Any]) -> None:
            if isinstance(reply, Status):
                headers = {}
                if reply.retry_after_s is not None:
                    headers["Retry-After"] = f"{reply.retry_after_s:g}"
                error = {"message": reply.message, "type": "scripted", "code": str(reply.code)}
                self._send(reply.code, {"error": error}, headers)
            elif isinstance(reply, Breaks):
                self._break(reply)
            elif isinstance(reply, Refuses):
                self._send(200, _completion(body, None, reply.reason, "stop"))
            else:
                text = reply.value if isinstance(reply.value, str) else json.dumps(reply.value)
                self._send(200, _completion(body, text, None, reply.finish_reason))

        def _break(self, reply: Breaks) -> None:
            if reply.how == "hang":
                running.stopped.wait(60)
            elif reply.how == "truncate":
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"id": "x", "choices": [')
            elif reply.how == "garbage":
                self._send_bytes(200, b"<html>502 Bad Gateway</html>", "text/html", {})
            elif reply.how == "no_choices":
                self._send(200, {"id": "x", "object": "chat.completion", "choices": []})
            self.close_connection = True

        def _send(
            self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None
        ) -> None:
            self._send_bytes(status, json.dumps(value).encode(), "application/json", headers or {})

        def _send_bytes(self, status: int, raw: bytes, kind: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: tests read `requests`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    running = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/v1", script, answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield running
    finally:
        running.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _protocol_trouble(path: str, body: dict[str, Any]) -> str | None:
    if path != "/v1/chat/completions":
        return f"no such path: {path}"
    if not body.get("model") or not body.get("messages"):
        return "model and messages are required"
    wanted = body.get("response_format") or {}
    if wanted.get("type") != "json_schema":
        return "response_format must be of type json_schema"
    if not isinstance(wanted.get("json_schema", {}).get("schema"), dict):
        return "response_format.json_schema.schema is required"
    return _strict_trouble(wanted["json_schema"])


def _strict_trouble(wanted: dict[str, Any]) -> str | None:
    """What a strict endpoint would say of the schema: closed tables, every key required."""
    if not wanted.get("strict"):
        return None
    pending = [wanted["schema"]]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            if node.get("type") == "object":
                if node.get("additionalProperties") is not False:
                    return "strict needs additionalProperties: false"
                if sorted(node.get("required", [])) != sorted(node.get("properties", {})):
                    return "strict needs every property in required"
            pending += list(node.values())
    return None


def _completion(
    body: dict[str, Any], text: str | None, refusal: str | None, finish_reason: str
) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": text, "refusal": refusal},
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
