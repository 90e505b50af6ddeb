"""Ways in which an endpoint fails, each as a server that does it.

Two tables, read by the tests of every agent that asks a model. FAULTS: a fault's name, what the
server answers where a right answer would be known, and how the call ends. CALL_FAULTS: what a model
does with tools, over an endpoint that is sound.
"""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from evals.endpoint import (
    Breaks,
    Calls,
    Endpoint,
    Raw,
    Refuses,
    Reply,
    Says,
    Status,
    Streams,
    endpoint,
    stream_events,
)
from labcrew.domain.chat import FailureKind

_BODY = {"model": "m", "stream_options": {"include_usage": True}}
_MB10 = 10_000_000
_BOMB = gzip.compress(b"0" * _MB10)
_PAGE = b"<h1>Bad Gateway</h1>"
_HUGE = (("X-Long", "x" * 300_000),)
_NEGATIVE = {"prompt_tokens": -5, "completion_tokens": -5}
_TEXT = {"prompt_tokens": "1", "total_tokens": None}
_LATE: tuple[FailureKind, ...] = ("invalid", "timed_out")


Right = Says | Calls
"""A right answer to a request."""


@dataclass(frozen=True)
class Fault:
    """One way to fail.

    Args:
        name: of the fault.
        reply: what is answered, given a right answer.
        kinds: how a call may end; empty: there is a reply, and whoever asked judges it.
        harmless: whether the right answer gets through all the same.
        serve: the server, where it is none that answers over HTTP.
    """

    name: str
    reply: Callable[[Right], Reply] = lambda right: Breaks("hang")
    kinds: tuple[FailureKind, ...] = ()
    harmless: bool = False
    serve: "Callable[[], Any] | None" = None

    @contextmanager
    def served(self, answers: Callable[[dict[str, Any]], Right]) -> Iterator[Endpoint]:
        """The faulty server.

        Args:
            answers: a right answer to a request.
        """
        if self.serve is not None:
            with self.serve() as running:
                yield running
            return
        with endpoint(answers=lambda body: self.reply(answers(body))) as running:
            yield running


@contextmanager
def _refused() -> Iterator[Endpoint]:
    with endpoint(Says("")) as served:
        gone = served
    yield gone


@contextmanager
def _never_connects() -> Iterator[Endpoint]:
    """A port whose queue is full: the kernel answers nobody more."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield Endpoint(f"http://127.0.0.1:{address[1]}/v1", ())


def _begun(right: Right) -> tuple[dict[str, Any], ...]:
    """The events of a stream up to the middle of its answer."""
    return tuple(stream_events(right, _BODY))[:3]


def _cut(right: Right) -> Right:
    """Without its last character, or that of each call's arguments."""
    if isinstance(right, Says):
        return replace(right, value=_text(right.value)[:-1])
    return replace(right, calls=tuple((name, _text(said)[:-1]) for name, said in right.calls))


def _in_prose(right: Right) -> Right:
    if isinstance(right, Says):
        return replace(right, value=f"Sure! {_text(right.value)}")
    return replace(right, content="Sure!")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _delta(**said: Any) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "delta": said, "finish_reason": None}]}


_END = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def _event(*events: Any) -> Callable[[Right], Reply]:
    return lambda right: Streams((*events, _END))


def _always(reply: Reply) -> Callable[[Right], Reply]:
    return lambda right: reply


def _counted(usage: Any) -> Callable[[Right], Reply]:
    return lambda right: replace(right, usage=usage)


FAULTS: tuple[Fault, ...] = (
    # It turns the call away.
    Fault("429, Retry-After", _always(Status(429, 0.01)), ("rate_limited",)),
    Fault("429, no Retry-After", _always(Status(429)), ("rate_limited",)),
    Fault("429, come back in an hour", _always(Status(429, 3600)), ("rate_limited",)),
    Fault("429, Retry-After is nonsense", _always(Status(429, float("nan"))), ("rate_limited",)),
    Fault(
        "429, Retry-After is a date",
        _always(Status(429, headers=(("Retry-After", "Wed, 21 Oct 2099 07:28:00 GMT"),))),
        ("rate_limited",),
    ),
    Fault(
        "429, the quota is used up",
        _always(Status(429, error_code="insufficient_quota")),
        ("rate_limited",),
    ),
    Fault("500", _always(Status(500)), ("unavailable",)),
    Fault("502 as a page", _always(Raw(_PAGE, 502, "text/html")), ("unavailable",)),
    Fault("503, Retry-After", _always(Status(503, 0.01)), ("unavailable",)),
    Fault("529", _always(Status(529)), ("unavailable",)),
    Fault("401, wrong key", _always(Status(401, message="Incorrect API key")), ("unauthorised",)),
    Fault("402, nothing left", _always(Status(402)), ("unauthorised",)),
    Fault("403", _always(Status(403)), ("unauthorised",)),
    Fault("404, wrong model name", _always(Status(404)), ("unknown_model",)),
    Fault(
        "400, wrong model name",
        _always(Status(400, error_code="model_not_found")),
        ("unknown_model",),
    ),
    Fault("400", _always(Status(400, message="Unknown parameter: 'x'")), ("invalid",)),
    Fault(
        "400, context overflow",
        _always(Status(400, error_code="context_length_exceeded")),
        ("too_long",),
    ),
    Fault(
        "500, context overflow",
        _always(Status(500, message="the request exceeds the available context size")),
        ("too_long",),
    ),
    Fault("413", _always(Status(413)), ("too_long",)),
    Fault("400, content filter", _always(Status(400, error_code="content_filter")), ("refused",)),
    Fault(
        "307, elsewhere",
        _always(Raw(b"", 307, headers=(("Location", "http://127.0.0.1:9/v1/"),))),
        ("unavailable",),
    ),
    Fault("400 with 10 MB of words", _always(Status(400, message="x" * _MB10)), _LATE),
    # The connection breaks, or nothing comes.
    Fault("connection refused", kinds=("unavailable",), serve=_refused),
    Fault("connection never made", kinds=("timed_out",), serve=_never_connects),
    Fault("silence", _always(Breaks("hang")), ("timed_out",)),
    Fault("closes at once", _always(Breaks("close")), ("unavailable",)),
    Fault("silence before the first token", _always(Streams((), "hang")), ("timed_out",)),
    Fault(
        "keeps the line open and says nothing",
        _always(Streams((b": ping\n\n", 0.02), "again")),
        ("timed_out",),
    ),
    Fault("stops in mid-stream", lambda right: Streams(_begun(right), "hang"), ("timed_out",)),
    Fault("drips for ever", _always(Streams((_delta(content="a"), 0.02), "again")), ("timed_out",)),
    Fault("cut in mid-stream", lambda right: Streams(_begun(right), "cut"), ("unavailable",)),
    Fault("ends in mid-stream", lambda right: Streams(_begun(right), "end"), ("unavailable",)),
    Fault("truncated body", _always(Breaks("truncate")), ("unavailable",)),
    Fault(
        "fails in mid-stream",
        lambda right: Streams((*_begun(right), {"error": {"message": "overloaded"}})),
        ("unavailable",),
    ),
    Fault(
        "too long, said in mid-stream",
        lambda right: Streams(({"error": {"message": "maximum context length is 10"}},)),
        ("too_long",),
    ),
    Fault("floods", _always(Streams((_delta(content="x" * 50_000),), "again")), _LATE),
    Fault("huge headers", _always(Raw(b"", headers=_HUGE)), ("unavailable",)),
    # It speaks something else.
    Fault("a page", _always(Breaks("garbage")), ("unavailable",)),
    Fault("an empty body", _always(Raw(b"")), ("unavailable",)),
    Fault("compressed, unasked", lambda right: Raw(
        _BOMB, headers=(("Content-Encoding", "gzip"),)
    ), ("unavailable",)),
    Fault("events that are no JSON", _always(Streams((b"data: {oops\n\n",))), ("unavailable",)),
    Fault("events in no encoding", _always(Streams((b"data: \xff\xfe\n\n",))), ("unavailable",)),
    Fault("an event that is a list", _event([1, 2]), ("unavailable",)),
    Fault("an event that is a number", _event(7), ("unavailable",)),
    Fault("no choices", _always(Breaks("no_choices")), ("unavailable",)),
    Fault("never a choice", _always(Streams(({"id": "x", "choices": []},))), ("unavailable",)),
    Fault("choices are no list", _event({"choices": {"0": "a"}}), ("unavailable",)),
    Fault("a choice is text", _event({"choices": ["a"]}), ("unavailable",)),
    Fault("a message is text", _event({"choices": [{"delta": "a"}]}), ("unavailable",)),
    Fault("content is a table", _event(_delta(content={"a": 1})), ("unavailable",)),
    Fault("tool calls are text", _event(_delta(tool_calls="rm -rf /")), ("unavailable",)),
    Fault(
        "a tool call names no function",
        _event(_delta(tool_calls=[{"index": 0, "function": "rm"}])),
        ("unavailable",),
    ),
    Fault(
        "a tool call's arguments are a number",
        _event(_delta(tool_calls=[{"index": 0, "function": {"name": "a", "arguments": 7}}])),
        ("unavailable",),
    ),
    # It answers, and the answer is none.
    Fault("a refusal", _always(Refuses()), ("refused",)),
    Fault(
        "withheld by a filter",
        lambda right: replace(right, finish_reason="content_filter"),
        ("refused",),
    ),
    Fault(
        "cut off at max_tokens",
        lambda right: replace(_cut(right), finish_reason="length"),
        ("cut_off",),
    ),
    Fault("10 MB of text", _always(Says("x" * _MB10)), _LATE),
    Fault("10 MB of arguments", _always(Calls((("a", "x" * _MB10),))), _LATE),
    Fault("100 tool calls", _always(Calls((("a", {}),) * 100)), ("invalid",)),
    Fault("empty", _always(Says(""))),
    Fault("blank", _always(Says(" \n\t "))),
    Fault("invalid JSON", _cut),
    Fault("JSON in prose", _in_prose),
    Fault("wrong types", _always(Says({"move": 3, "index": "first", "keep": {}}))),
    Fault("another object", _always(Says({"approve": True, "merge": True}))),
    Fault("fences without end", _always(Says("```x\n" * 40_000))),
    Fault("nested without end", _always(Says("[" * 50_000))),
    Fault("half characters", _event(_delta(content="{\"text\": \"\ud800\""))),
    Fault("an unknown tool, unasked", _always(Calls((("rm", {"path": "/"}),)))),
    Fault("a tool call that is no JSON, unasked", _always(Calls((("rm", "{oops"),)))),
    Fault("two calls with one id", _always(Calls((("a", {}), ("b", {})), ids=("x", "x")))),
    # The answer is right, what stands around it is not.
    Fault("usage is negative", _counted(_NEGATIVE), harmless=True),
    Fault(
        "usage is astronomic",
        _counted({"prompt_tokens": 10**15, "completion_tokens": 10**15, "total_tokens": 1}),
        harmless=True,
    ),
    Fault("usage is text", _counted("many"), harmless=True),
    Fault("usage holds text", _counted(_TEXT), harmless=True),
    Fault("no usage", _counted(False), harmless=True),
    Fault(
        "wrong content type",
        lambda right: Raw(_as_stream(right), content_type="text/plain"),
        harmless=True,
    ),
    Fault("a stranger's fields", lambda right: Streams(
        tuple(e | {"extra": {"a": [1]}} for e in stream_events(right, _BODY))
    ), harmless=True),
)  # fmt: skip
"""Name → fault, and what it ends in."""


def _as_stream(right: Right) -> bytes:
    events = stream_events(right, _BODY)
    return (
        b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"
    )


@dataclass(frozen=True)
class CallFault:
    """A model that uses tools badly, for ever.

    Args:
        reply: the answer to the request of this number, counted from 0.
        runs: tools that may run, as their arguments are sound; all others must not.
    """

    name: str
    reply: Callable[[int], Reply]
    runs: tuple[str, ...] = ()


def _call(*calls: tuple[str, Any], **more: Any) -> Callable[[int], Reply]:
    return lambda number: Calls(calls, **more)


def _pair(number: int) -> Reply:
    return Calls((("read_file", {"path": ("a.py", "b.py")[number % 2]}),))


CALL_FAULTS: tuple[CallFault, ...] = (
    CallFault("an unknown tool", _call(("rm_everything", {"path": "/"}))),
    CallFault("a tool without a name", _call(("", {}))),
    CallFault("a name full of escapes", _call(("\x1b]0;x\x07\u202e" * 20, {}))),
    CallFault("arguments are no JSON", _call(("write_file", '{"path": "data.py", "text": '))),
    CallFault("arguments are a list", _call(("write_file", ["data.py", "x"]))),
    CallFault("arguments of wrong types", _call(("write_file", {"path": 5, "text": {"a": 1}}))),
    CallFault("an argument is missing", _call(("write_file", {"path": "data.py"}))),
    CallFault(
        "an argument that nobody knows",
        _call(("write_file", {"path": "data.py", "text": "", "mode": "0777"})),
    ),
    CallFault("arguments nested without end", _call(("write_file", '{"path":' * 10_000))),
    CallFault("600 kB of arguments", _call(("read_file", {"path": "x" * 600_000}))),
    CallFault("two calls with one id", _call(("rm", {}), ("mv", {}), ids=("x", "x"))),
    CallFault("fifty calls in one answer", _call(*(("rm", {"n": n}) for n in range(50)))),
    CallFault("a call as text", lambda number: Says('<tool_call>{"name": "rm"}</tool_call>')),
    CallFault("only talk", lambda number: Says(f"I will look at it soon, {number}.")),
    CallFault(
        "cut off in the middle of a call",
        _call(("write_file", '{"path": "data.py", "te'), finish_reason="length"),
    ),
    CallFault("the same call for ever", _call(("read_file", {"path": "data.py"})), ("read_file",)),
    CallFault("an alternating pair", _pair, ("read_file",)),
    CallFault("finished, without a change", _call(("finish", {"summary": "done"})), ("finish",)),
)
"""What a model does with tools, and which of them may run for it."""
