"""What an endpoint is asked for, and how its answer is read back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from desk.models.assembly import Assembly
from desk.models.schema_tools import action_schema, as_calls, retold
from desk.models.wire import (
    first_object,
    in_words,
    offered_tools,
    response_format,
    schema_format,
    sent_messages,
)
from labcrew.domain.chat import Message, ToolOffer
from labcrew.settings import ModelSettings

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

Form = Literal["plain", "object", "action"]


@dataclass(frozen=True)
class Request:
    """One call.

    Args:
        messages: the conversation as it is sent.
        options: the rest of the body, for LangChain's client.
        form: plain: the answer is what was said; object: a JSON object is looked for in it;
            action: it is a tool's call in that form.
        turn: how many messages the conversation has.
    """

    messages: "list[BaseMessage]"
    options: dict[str, Any]
    form: Form
    turn: int

    @classmethod
    def of(
        cls,
        settings: ModelSettings,
        messages: Sequence[Message],
        tools: Sequence[ToolOffer],
        schema: type[BaseModel] | None,
        *,
        native: bool,
    ) -> "Request":
        """The call for an endpoint with these settings.

        Args:
            native: whether tools are offered as the endpoint's own; else, where any are offered,
                the answer is one action and `schema` is not asked for.
        """
        body: dict[str, Any] = {settings.max_tokens_name: settings.max_tokens}
        options: dict[str, Any] = {}
        form: Form = "plain"
        as_schema = settings.structured == "json_schema"
        told = list(messages)
        if tools and not native:
            form = "action"
            told = retold(messages, tools, in_full=not as_schema)
            if as_schema:
                body["response_format"] = schema_format("action", action_schema(tools))
        else:
            if not native and any(m.calls or m.role == "tool" for m in messages):
                told = retold(messages, (), in_full=False)
            if tools:
                options["tools"] = offered_tools(tools)
            if schema is not None and as_schema:
                body["response_format"] = response_format(schema)
            elif schema is not None:
                form = "object"
                told = _with_words(told, in_words(schema.model_json_schema()))
        if form != "plain" and settings.structured == "json_object":
            body["response_format"] = {"type": "json_object"}
        # Said in a body of our own: the library would read a structured answer itself, and raise
        # where it does not fit.
        options["extra_body"] = body | settings.options
        return cls(sent_messages(told), options, form, len(messages))

    @property
    def bytes(self) -> int:
        """About how long the request is."""
        said = sum(
            len(str(message.content).encode("utf-8", "replace")) for message in self.messages
        )
        calls = [getattr(message, "tool_calls", ()) for message in self.messages]
        rest = json.dumps([self.options.get("tools"), self.options["extra_body"], calls])
        return said + len(rest)

    def message(self, heard: Assembly) -> Message:
        """The answer, as a turn of the conversation."""
        text = heard.text
        if self.form == "object":
            return Message(role="assistant", content=first_object(text))
        if self.form == "action":
            return as_calls(first_object(text), self.turn)
        return Message(role="assistant", content=text, calls=heard.calls)


def _with_words(messages: list[Message], words: str) -> list[Message]:
    """With words at the end of the first system message: what begins a conversation stays."""
    if messages and messages[0].role == "system":
        first = messages[0]
        told = first.model_copy(update={"content": f"{first.content}\n\n{words}"})
        return [told, *messages[1:]]
    return [Message(role="system", content=words), *messages]
