"""Tools for endpoints that know no tool calls: one action as a structured answer.

The conversation keeps its form; only what is sent changes, so that another endpoint can go on with
it. Instructions come at the end of the first system message, and never change in a conversation.
"""

import json
from collections.abc import Sequence
from typing import Any

from desk.models.wire import arguments_of, in_words
from labcrew.domain.chat import Message, ToolCall, ToolOffer

_HOW = """
You use tools by answering with one JSON object: "text", what you think in a sentence or two, and \
"action", the one tool to use now with its arguments, or null when you want none. The result comes \
in the next message. The tools:
"""
_LONGEST_TEXT = 2000


def action_schema(tools: Sequence[ToolOffer]) -> dict[str, Any]:
    """The JSON schema of an answer: some text, and one tool's call or none."""
    calls: list[dict[str, Any]] = [
        {
            "type": "object",
            "properties": {"tool": {"const": tool.name}, "arguments": tool.parameters},
            "required": ["tool", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    shared: dict[str, Any] = {}
    for tool in tools:  # a schema's references count from its root
        shared |= tool.parameters.get("$defs", {})
    return {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": _LONGEST_TEXT},
            "action": {"anyOf": [*calls, {"type": "null"}]},
        },
        "required": ["text", "action"],
        "additionalProperties": False,
    } | ({"$defs": shared} if shared else {})


def retold(
    messages: Sequence[Message], tools: Sequence[ToolOffer], *, in_full: bool
) -> list[Message]:
    """The conversation without tool calls, its turns taken by user and assistant.

    Args:
        in_full: whether the schema is told in words, as the endpoint is not given it.
    """
    about = [f"- {tool.name}: {tool.description}" for tool in tools]
    told = _HOW + "\n".join(about)
    if in_full:
        told += "\n\n" + in_words(action_schema(tools))
    made: list[Message] = []
    names: dict[str, str] = {}
    for message in messages:
        if message.role == "assistant" and message.calls:
            names |= {call.id: call.name for call in message.calls}
            message = Message(role="assistant", content=_action_text(message))
        elif message.role == "tool":
            name = names.get(message.answers, "the tool")
            message = Message(role="user", content=f"Result of {name}:\n{message.content}")
        if made and made[-1].role == message.role != "system":
            message = message.model_copy(
                update={"content": f"{made.pop().content}\n\n{message.content}"}
            )
        made.append(message)
    if made and made[0].role == "system":
        made[0] = made[0].model_copy(update={"content": made[0].content + "\n" + told})
    else:
        made.insert(0, Message(role="system", content=told.strip()))
    return made


def _action_text(message: Message) -> str:
    said = [
        {"text": message.content if number == 0 else "", "action": _action(call)}
        for number, call in enumerate(message.calls)
    ]
    return "\n".join(json.dumps(one) for one in said)


def _action(call: ToolCall) -> dict[str, Any]:
    return {"tool": call.name, "arguments": arguments_of(call.arguments)}


def as_calls(text: str, turn: int) -> Message:
    """An answer of this form as a message with a tool call; another text as it is.

    Args:
        turn: how many messages came before, which makes the call's id its own.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or "action" not in said:
        return Message(role="assistant", content=text)
    words, action = said.get("text"), said["action"]
    content = words if isinstance(words, str) else ""
    if not isinstance(action, dict):
        return Message(role="assistant", content=content)
    name = action.get("tool")
    call = ToolCall(
        id=f"call_{turn}",
        name=name[:200] if isinstance(name, str) else "",
        arguments=json.dumps(action.get("arguments", {})),
    )
    return Message(role="assistant", content=content, calls=(call,))
