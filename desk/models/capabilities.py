"""What an endpoint can do, tried over the wire, and the settings that fit it."""

import difflib
import json
from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue, ValidationError

from desk.models.endpoint import EndpointChat
from desk.models.models_list import Listed, listed
from labcrew.domain.base import Model
from labcrew.domain.chat import Message, Reply, ToolCall, ToolOffer
from labcrew.errors import ModelFailure
from labcrew.settings import ModelSettings

_SHORT = 16
_ENOUGH = 200
_LONG_TASK = "Write the numbers from 1 to 300, each on a line of its own, and nothing else."


class Capability(Model):
    """One thing that was tried.

    Args:
        state: ok; warning: labcrew works without it; problem: it does not work.
        settings: what to set for this model.
    """

    name: str
    state: Literal["ok", "warning", "problem"]
    detail: str
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class Sky(BaseModel):
    """An answer with a fixed form."""

    colour: Literal["blue", "green"]
    clear: bool


ADD = ToolOffer(
    name="add",
    description="Adds two whole numbers.",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
)
_SYSTEM = Message(role="system", content="You answer briefly.")
_HELLO = (_SYSTEM, Message(role="user", content="Say hello."))
_SKY = (_SYSTEM, Message(role="user", content="Which colour has a clear sky at noon? In JSON."))
_SUM = (_SYSTEM, Message(role="user", content="Add 2 and 3. Use the tool add."))
_SUMMED = (
    *_SUM,
    Message(
        role="assistant", calls=(ToolCall(id="call_1", name="add", arguments='{"a": 2, "b": 3}'),)
    ),
    Message(role="tool", answers="call_1", content="5"),
)
_COUNT = (_SYSTEM, Message(role="user", content=_LONG_TASK))


async def capabilities(settings: ModelSettings) -> AsyncIterator[Capability]:
    """Tries one after the other; some ten short calls. What was found is used for the next ones.

    Raises SettingsError: the model has no key, or its file can't be served.
    """
    fitting = settings.model_copy(update={"max_tokens": min(_ENOUGH, settings.max_tokens)})
    known = await listed(fitting)
    for tried in (_reached, _streamed):
        found = await tried(fitting, known)
        yield found
        if found.state == "problem":
            return
        fitting = fitting.model_copy(update=found.settings)
    for tried in (_structured, _tools, _usage, _limit):
        found = await tried(fitting, known)
        yield found
        fitting = fitting.model_copy(update=found.settings)
    yield _context(settings, known)


async def _try(
    settings: ModelSettings,
    messages: tuple[Message, ...],
    changes: dict[str, Any] | None = None,
    *,
    tools: tuple[ToolOffer, ...] = (),
    schema: type[BaseModel] | None = None,
) -> Reply | ModelFailure:
    chat = EndpointChat(settings.model_copy(update=changes or {}))
    try:
        return await chat.reply(messages, tools=tools, schema=schema, purpose="doctor")
    except ModelFailure as failure:
        return failure


async def _reached(settings: ModelSettings, known: Listed) -> Capability:
    """Address, key and name: without a stream, so that nothing else is in the way."""
    plain = await _try(settings, _HELLO, {"stream": False})
    if isinstance(plain, ModelFailure) and plain.kind == "unavailable":  # or it only streams
        streamed = await _try(settings, _HELLO)
        plain = plain if isinstance(streamed, ModelFailure) else streamed
    name = settings.name
    if isinstance(plain, Reply) or plain.kind in ("cut_off", "refused"):
        return Capability(name="reach", state="ok", detail=f"{name} answers; the key is accepted")
    remedy = {
        "unauthorised": "Check the key: LABCREW_MODELS__<NAME>__API_KEY.",
        "unavailable": "Check base_url, and that the server runs.",
        "timed_out": "Check base_url; a slow server needs a longer timeout_s.",
        "rate_limited": "Wait, or raise the account's quota.",
    }.get(plain.kind, "")
    if plain.kind == "unknown_model":
        near = difflib.get_close_matches(name, known.names, n=3, cutoff=0.3) or known.names[:5]
        remedy = "Check model" + (f"; it offers {', '.join(near)}." if near else " and base_url.")
    return Capability(name="reach", state="problem", detail=f"{plain.message}. {remedy}".strip())


async def _streamed(settings: ModelSettings, known: Listed) -> Capability:
    changes: tuple[dict[str, JsonValue], ...] = (
        {"stream": True, "stream_usage": True},
        {"stream": True, "stream_usage": False},
    )
    for change in changes:
        said = await _try(settings, _HELLO, change)
        if isinstance(said, Reply) or said.kind in ("cut_off", "refused"):
            set_ = _differing(settings, change)
            detail = "answers are streamed, so that a stalled one is noticed"
            return Capability(name="streaming", state="ok", detail=detail, settings=set_)
    return Capability(
        name="streaming",
        state="warning",
        detail=f"no streams: {said.message}",
        settings=_differing(settings, {"stream": False}),
    )


async def _structured(settings: ModelSettings, known: Listed) -> Capability:
    why = ""
    ways: tuple[str, ...] = ("json_schema", "json_object", "text")
    for way in ways[ways.index(settings.structured) :]:
        said = await _try(settings, _SKY, {"structured": way}, schema=Sky)
        trouble = _no_sky(said)
        if not trouble:
            return Capability(
                name="structured output",
                state="ok" if way == "json_schema" else "warning",
                detail=f"by {way}" + (f"; {why}" if why else ""),
                settings=_differing(settings, {"structured": way}),
            )
        why += f"{'; ' if why else ''}not by {way}: {trouble}"
    detail = f"{why}. Rules will answer most questions."
    return Capability(name="structured output", state="problem", detail=detail)


async def _tools(settings: ModelSettings, known: Listed) -> Capability:
    why = ""
    for way in ("native", "schema"):
        if way == "native" and settings.tools == "schema":
            continue
        said = await _try(settings, _SUM, {"tools": way}, tools=(ADD,))
        trouble = _no_sum(said)
        if not trouble:
            after = await _try(settings, _SUMMED, {"tools": way}, tools=(ADD,))
            trouble = after.message if isinstance(after, ModelFailure) else ""
            trouble = f"a tool's result is refused: {trouble}" if trouble else ""
        if not trouble:
            return Capability(
                name="tools",
                state="ok",
                detail=f"by {way} calls" if way == "native" else f"by structured answers; {why}",
                settings=_differing(settings, {"tools": way}) if why else {},
            )
        why += f"{'; ' if why else ''}not by {way}: {trouble}"
    detail = f"{why}. It can't be used to write code."
    return Capability(name="tools", state="warning", detail=detail)


async def _usage(settings: ModelSettings, known: Listed) -> Capability:
    said = await _try(settings, _HELLO)
    if isinstance(said, Reply) and not said.tokens.estimated:
        cached = f", {said.tokens.cached} from its cache" if said.tokens.cached else ""
        told = (
            f"{said.tokens.prompt} of the question{cached}, {said.tokens.completion} of the answer"
        )
        return Capability(name="token counts", state="ok", detail=told)
    plain = await _try(settings, _HELLO, {"stream": False}) if settings.stream else said
    if isinstance(plain, Reply) and not plain.tokens.estimated:
        return Capability(
            name="token counts",
            state="warning",
            detail="none in a stream: labcrew estimates them; `stream = false` would bring them",
        )
    detail = "none that can be true: labcrew estimates them, and budgets rest on that"
    return Capability(name="token counts", state="warning", detail=detail)


async def _limit(settings: ModelSettings, known: Listed) -> Capability:
    heard = ""
    for way in ("max_completion_tokens", "max_tokens"):
        change = {"max_tokens_name": way, "max_tokens": _SHORT}
        said = await _try(settings, _COUNT, change)
        if isinstance(said, ModelFailure) and said.kind == "cut_off":
            return Capability(
                name="max_tokens",
                state="ok",
                detail=f"kept, as {way}",
                settings=_differing(settings, {"max_tokens_name": way}),
            )
        if isinstance(said, ModelFailure):
            heard += f" As {way}: {said.message}."
        elif len(said.message.content) <= 4 * _SHORT:
            detail = "unknown: it wrote less than was asked for"
            return Capability(name="max_tokens", state="warning", detail=detail)
    detail = f"not kept: answers end when the model likes.{heard} timeout_s still bounds them."
    return Capability(name="max_tokens", state="warning", detail=detail)


def _context(settings: ModelSettings, known: Listed) -> Capability:
    stated = known.context_tokens
    if stated is None:
        detail = (
            f"{settings.context_tokens} tokens by settings; the endpoint does not say"
            if settings.context_tokens
            else "the endpoint does not say; set context_tokens if you know it"
        )
        state: Literal["ok", "warning"] = "ok" if settings.context_tokens else "warning"
        return Capability(name="context length", state=state, detail=detail)
    if settings.context_tokens and settings.context_tokens > stated:
        detail = f"{stated} tokens, and settings say {settings.context_tokens}"
        return Capability(
            name="context length",
            state="warning",
            detail=detail,
            settings={"context_tokens": stated},
        )
    missing = {} if settings.context_tokens else {"context_tokens": stated}
    detail = f"{stated} tokens, as the endpoint says"
    return Capability(name="context length", state="ok", detail=detail, settings=missing)


def _no_sky(said: Reply | ModelFailure) -> str:
    if isinstance(said, ModelFailure):
        return said.message
    try:
        Sky.model_validate_json(said.message.content)
    except ValidationError:
        return "the answer was of another form"
    return ""


def _no_sum(said: Reply | ModelFailure) -> str:
    if isinstance(said, ModelFailure):
        return said.message
    if not said.message.calls:
        return "it called no tool"
    call = said.message.calls[0]
    try:
        given = json.loads(call.arguments)
    except (ValueError, RecursionError):
        given = None
    if call.name != ADD.name or not isinstance(given, dict) or set(given) != {"a", "b"}:
        return "the call's name or arguments were wrong"
    return ""


def _differing(settings: ModelSettings, wanted: dict[str, Any]) -> dict[str, JsonValue]:
    return {name: value for name, value in wanted.items() if getattr(settings, name) != value}
