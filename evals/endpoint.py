"""A scripted chat endpoint: a real HTTP server on loopback that speaks OpenAI's protocol.

It answers what its script says, in order, and then for ever what the script ends with; it keeps the
requests, and refuses one that does not follow the protocol. It streams where that is asked for. For
tests and for the attack battery.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

from evals.endpoint_protocol import protocol_trouble


@dataclass(frozen=True)
class Says:
    """A structured answer: a JSON value, or text as it is.

    Args:
        usage: in place of plausible numbers; False: none.
    """

    value: Any
    finish_reason: str = "stop"
    usage: Any = None


@dataclass(frozen=True)
class Calls:
    """Tool calls.

    Args:
        calls: name and arguments each, arguments as a table or as text.
        ids: of the calls, where they are not call_0, call_1 and so on.
        usage: as an answer's.
    """

    calls: tuple[tuple[str, Any], ...]
    content: str = ""
    ids: tuple[str, ...] = ()
    finish_reason: str = "tool_calls"
    usage: Any = None


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
    error_code: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Raw:
    """A response as it is."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Streams:
    """A stream as it is.

    Args:
        pieces: bytes that are sent as they are, seconds to wait, or values sent as events.
        then: done: the last event and the end; end: the end; cut: the connection is dropped in
            mid-piece; hang: nothing more until the server stops; again: the pieces for ever.
    """

    pieces: tuple[Any, ...]
    then: Literal["done", "end", "cut", "hang", "again"] = "done"


@dataclass(frozen=True)
class Breaks:
    """A fault of the connection or the protocol.

    Args:
        how: "hang" sends nothing until the server stops; "close" drops the connection; "truncate"
            ends in mid-body; "garbage" is no JSON; "no_choices" is JSON without an answer.
    """

    how: Literal["hang", "close", "truncate", "garbage", "no_choices"]


Reply = Says | Calls | Refuses | Status | Raw | Streams | Breaks


@dataclass
class Endpoint:
    """The running server.

    Args:
        base_url: what a client is given; `azure_url` is the same for Azure's protocol.
        requests: the bodies that were received, oldest first.
        keys: the Authorization (azure: api-key) headers that came with them.
        paths: what was asked for.
        answers: makes a reply from a request, in place of the script.
        models: what GET /models lists; None: it is not offered.
    """

    base_url: str
    script: Sequence[Reply]
    answers: Callable[[dict[str, Any]], Reply] | None = None
    models: tuple[dict[str, Any], ...] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def azure_url(self) -> str:
        return self.base_url.removesuffix("/v1")

    def next_reply(self, body: dict[str, Any], key: str, path: str) -> Reply:
        with self.lock:
            self.requests.append(body)
            self.keys.append(key)
            self.paths.append(path)
            if self.answers is not None:
                return self.answers(body)
            return self.script[min(len(self.requests), len(self.script)) - 1]


@contextmanager
def endpoint(
    *script: Reply,
    answers: Callable[[dict[str, Any]], Reply] | None = None,
    models: tuple[dict[str, Any], ...] | None = None,
) -> Iterator[Endpoint]:
    """Serves a script, or what `answers` makes of each request, on a free port of 127.0.0.1."""

    class Handler(_Handler):
        endpoint = property(lambda self: running)

    server = _Server(("127.0.0.1", 0), Handler)
    running = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/v1", script, answers, models)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield running
    finally:
        running.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint

    def do_GET(self) -> None:
        if self.endpoint.models is None or not self.path.endswith("/models"):
            self._send(404, {"error": {"message": f"no such path: {self.path}"}})
            return
        listed = [
            {"object": "model", "created": 0, "owned_by": "x"} | m for m in self.endpoint.models
        ]
        self._send(200, {"object": "list", "data": listed})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        trouble = protocol_trouble(urlsplit(self.path).path, body)
        if trouble:
            self._send(400, {"error": {"message": trouble, "type": "invalid_request_error"}})
            return
        key = self.headers.get("Authorization") or self.headers.get("api-key") or ""
        reply = self.endpoint.next_reply(body, key, self.path)
        # Whoever asked may have gone: that is what time-outs do.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._reply(reply, body)

    def _reply(self, reply: Reply, body: dict[str, Any]) -> None:
        if isinstance(reply, Status):
            headers = dict(reply.headers)
            if reply.retry_after_s is not None:
                headers["Retry-After"] = f"{reply.retry_after_s:g}"
            code = reply.error_code or str(reply.code)
            error = {"message": reply.message, "type": "scripted", "code": code}
            self._send(reply.code, {"error": error}, headers)
        elif isinstance(reply, Raw):
            self._send_bytes(reply.status, reply.body, reply.content_type, dict(reply.headers))
        elif isinstance(reply, Streams):
            self._stream(reply)
        elif isinstance(reply, Breaks):
            self._break(reply)
        elif body.get("stream"):
            self._stream(Streams(tuple(stream_events(reply, body))))
        else:
            message, finish, usage = _message(reply, body)
            self._send(200, _completion(body, "message", message, finish) | usage)

    def _break(self, reply: Breaks) -> None:
        if reply.how == "hang":
            self.endpoint.stopped.wait()
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

    def _stream(self, reply: Streams) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        while True:
            for piece in reply.pieces:
                if isinstance(piece, float):
                    time.sleep(piece)
                    continue
                sent = piece if isinstance(piece, bytes) else _event(piece)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent))
                self.wfile.flush()
            if reply.then != "again" or self.endpoint.stopped.is_set():
                break
        if reply.then == "hang":
            self.endpoint.stopped.wait()
        elif reply.then == "cut":
            self.wfile.write(b"100\r\ndata: {")
        else:
            last = b"data: [DONE]\n\n" if reply.then == "done" else b""
            self.wfile.write((b"%x\r\n%s\r\n" % (len(last), last) if last else b"") + b"0\r\n\r\n")

    def _send(
        self, status: int, value: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self._send_bytes(status, json.dumps(value).encode(), "application/json", headers or {})

    def _send_bytes(self, status: int, raw: bytes, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: tests read `requests`."""


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _message(
    reply: Says | Calls | Refuses, body: dict[str, Any]
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """The message, why it ended, and its usage."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    finish, usage = "stop", None
    if not isinstance(reply, Refuses):
        finish, usage = reply.finish_reason, reply.usage
    if isinstance(reply, Refuses):
        message["refusal"] = reply.reason
    elif isinstance(reply, Calls):
        message["content"] = reply.content or None
        message["tool_calls"] = [
            {
                "id": reply.ids[number] if number < len(reply.ids) else f"call_{number}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": said if isinstance(said, str) else json.dumps(said),
                },
            }
            for number, (name, said) in enumerate(reply.calls)
        ]
    else:
        text = reply.value if isinstance(reply.value, str) else json.dumps(reply.value)
        message["content"] = text
    if usage is None:
        prompt = len(json.dumps(body)) // 4
        completion = max(1, len(json.dumps(message)) // 4)
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": prompt // 2},
        }
    return message, finish, {} if usage is False else {"usage": usage}


def _completion(
    body: dict[str, Any], part: str, message: dict[str, Any], finish: str | None
) -> dict[str, Any]:
    kind = "chat.completion" if part == "message" else "chat.completion.chunk"
    return {
        "id": "chatcmpl-scripted",
        "object": kind,
        "created": 0,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "finish_reason": finish, part: message}],
    }


def stream_events(reply: Says | Calls | Refuses, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An answer as a stream's events: texts and arguments in pieces."""
    message, finish, usage = _message(reply, body)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for part in ("content", "refusal"):
        deltas += [{part: piece} for piece in _pieces(message[part] or "")]
    for index, call in enumerate(message.get("tool_calls", ())):
        name, said = call["function"]["name"], call["function"]["arguments"]
        begin = {"index": index, "id": call["id"], "type": "function"}
        deltas.append({"tool_calls": [begin | {"function": {"name": name, "arguments": ""}}]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in _pieces(said)
        ]
    for delta in deltas:
        yield _completion(body, "delta", delta, None)
    yield _completion(body, "delta", {}, finish)
    if usage and (body.get("stream_options") or {}).get("include_usage"):
        yield _completion(body, "delta", {}, None) | {"choices": []} | usage


def _pieces(text: str) -> Iterator[str]:
    size = max(1, len(text) // 3 + 1)
    for start in range(0, len(text), size):
        yield text[start : start + size]
