"""A conversation as the chat protocol sends it."""

import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from labcrew.domain.chat import Message, ToolOffer

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_UNREADABLE = 2000
_MOST_OBJECTS = 50


def sent_messages(messages: Sequence[Message]) -> "list[BaseMessage]":
    """The conversation with native tool calls."""
    return [_sent(message) for message in messages]


def _sent(message: Message) -> "BaseMessage":
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    if message.role == "system":
        return SystemMessage(message.content)
    if message.role == "user":
        return HumanMessage(message.content)
    if message.role == "tool":
        return ToolMessage(message.content, tool_call_id=message.answers)
    return AIMessage(
        message.content,
        tool_calls=[
            {"id": call.id, "name": call.name or "none", "args": arguments_of(call.arguments)}
            for call in message.calls
        ],
    )


def arguments_of(text: str) -> dict[str, Any]:
    """Arguments for sending back: servers break on what they can't read themselves."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"unreadable": text[:_UNREADABLE]}


def offered_tools(tools: Sequence[ToolOffer]) -> list[dict[str, Any]]:
    """The tools as native ones."""
    return [{"type": "function", "function": tool.model_dump(mode="json")} for tool in tools]


def response_format(schema: type[BaseModel]) -> dict[str, Any]:
    """Strict where the strict dialect of JSON schema can say the type.

    Strict output knows no tables with free keys; those are asked for without `strict`; an answer
    is checked on arrival in any case.
    """
    import openai

    plain = schema.model_json_schema()
    if _has_free_keys(plain):
        return schema_format(schema.__name__, plain)
    strict = openai.pydantic_function_tool(schema)["function"]["parameters"]
    return schema_format(schema.__name__, dict(strict), strict=True)


def schema_format(name: str, schema: dict[str, Any], strict: bool = False) -> dict[str, Any]:
    """`response_format` for a JSON schema."""
    short = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]
    return {
        "type": "json_schema",
        "json_schema": {"name": short, "schema": schema, "strict": strict},
    }


def _has_free_keys(node: Any) -> bool:
    if isinstance(node, list):
        return any(_has_free_keys(item) for item in node)
    if not isinstance(node, dict):
        return False
    if node.get("additionalProperties") not in (None, False):
        return True
    if node.get("type") == "object" and "properties" not in node:
        return True
    return any(_has_free_keys(value) for value in node.values())


def in_words(schema: dict[str, Any]) -> str:
    """What a model is told where the endpoint knows no JSON schema."""
    return (
        "Answer with one JSON object and nothing else. It must fit this JSON schema:\n"
        + json.dumps(schema, sort_keys=True)
    )


def first_object(text: str) -> str:
    """The first JSON object in a text that may have thoughts before it and a fence round it."""
    decoder = json.JSONDecoder()
    rest = text.rpartition("</think>")[2]
    for found in islice(re.finditer(r"\{", rest), _MOST_OBJECTS):
        try:
            _, end = decoder.raw_decode(rest, found.start())
        except (ValueError, RecursionError):
            continue
        return rest[found.start() : end]
    return text
