"""Tool calls as a model writes them: nothing runs before its arguments fit their type."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from labcrew.domain.base import canonical_json
from labcrew.domain.chat import Message, ToolCall

MOST_CALLS = 8
"""Of one reply; further ones are not run."""
_ARGUMENT_CHARACTERS = 500_000
_ERRORS, _PLACE = 3, 100
_FENCED = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```[ \t]*$|\Z)", re.M | re.S)


class CallError(ValueError):
    """A call that can't be made; the text is told to the model."""


def checked(call: ToolCall, types: Mapping[str, type[BaseModel]]) -> BaseModel:
    """A call's arguments in their type.

    Args:
        types: tool → the type of its arguments.

    Raises:
        CallError: no such tool, no JSON, too long, or a field that does not fit.
    """
    kind = types.get(call.name)
    if kind is None:
        known = ", ".join(sorted(types))
        raise CallError(f"There is no tool {call.name[:60]!r}. The tools are: {known}.")
    if len(call.arguments) > _ARGUMENT_CHARACTERS:
        raise CallError(
            f"{call.name}: its arguments hold {len(call.arguments)} characters, over"
            f" {_ARGUMENT_CHARACTERS}."
        )
    try:
        return kind.model_validate_json(call.arguments or "{}")
    except ValidationError as error:
        raise CallError(f"{call.name}: {_told(error)}") from None


def renumbered(said: Message, step: int) -> Message:
    """A reply whose calls have ids that no other call of the conversation has."""
    calls = tuple(
        call.model_copy(update={"id": f"call-{step}-{index}"})
        for index, call in enumerate(said.calls)
    )
    return said.model_copy(update={"calls": calls})


def step_type(types: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    """The type of one step, for an endpoint without native tool calls: a thought and one action.

    Args:
        types: tool → the type of its arguments.
    """
    return _step_type(tuple(types.items()))


@lru_cache(maxsize=16)
def _step_type(types: tuple[tuple[str, type[BaseModel]], ...]) -> type[BaseModel]:
    closed = ConfigDict(extra="forbid")
    actions: list[Any] = []
    for name, kind in types:
        tool: Any = Literal[name]
        fields: Any = {"tool": (tool, ...), "arguments": (kind, ...)}
        actions.append(create_model(f"Use_{name}", __config__=closed, **fields))
    union: Any = actions[0]
    for action in actions[1:]:
        union = union | action
    fields = {
        "thought": (str, Field(description="one sentence: why this is the next step")),
        "action": (union, Field(discriminator="tool") if len(actions) > 1 else ...),
    }
    return create_model("Step", __config__=closed, **fields)


def as_call(said: Message, step: type[BaseModel]) -> Message:
    """A reply that holds a `Step` as JSON, as a message with a tool call.

    Raises:
        CallError: it is no step.
    """
    fenced = _FENCED.search(said.content.replace("\r\n", "\n"))
    text = fenced.group(1) if fenced else said.content
    if len(text) > _ARGUMENT_CHARACTERS:
        raise CallError(f"The answer holds {len(text)} characters, over {_ARGUMENT_CHARACTERS}.")
    try:
        read: Any = step.model_validate_json(text)
    except ValidationError as error:
        raise CallError(
            f"The answer is not a step as JSON of the form"
            f' {{"thought": …, "action": {{"tool": …, "arguments": {{…}}}}}}: {_told(error)}'
        ) from None
    arguments = canonical_json(read.action.arguments.model_dump(mode="json"))
    call = ToolCall(id="", name=read.action.tool, arguments=arguments)
    return Message(role="assistant", content=read.thought, calls=(call,))


def as_text(said: Message) -> Message:
    """A message without native calls that says the same, for a conversation by `Step`s."""
    if said.role == "tool":
        return Message(role="user", content=f"Result:\n{said.content}")
    if not said.calls:
        return said
    actions = [f'{{"tool": "{c.name}", "arguments": {c.arguments}}}' for c in said.calls[:1]]
    thought = canonical_json(said.content)
    return Message(role="assistant", content=f'{{"thought": {thought}, "action": {actions[0]}}}')


def _told(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    told = []
    for one in found[:_ERRORS]:
        where = ".".join(str(part) for part in one["loc"])[:_PLACE] or "the whole"
        told.append(f"{where}: {one['msg'].removeprefix('Value error, ')[:200]}")
    return "; ".join(told) + "."
