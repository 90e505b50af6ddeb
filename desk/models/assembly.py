"""One answer, put together from what an endpoint sends: a stream's chunks, or a whole completion.

All of it is untrusted: what is not of the chat protocol ends the call, what is too long is not
read on.
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from labcrew.domain.base import content_hash
from labcrew.domain.chat import ToolCall
from labcrew.errors import ModelFailure
from labcrew.plain_text import is_plain

LONGEST = 1_000_000
"""Characters of an answer's text, and of all its tool calls' arguments."""
MOST_CALLS = 64
_LONGEST_ID = 200
_THOUGHTS = ("reasoning_content", "reasoning")
"""Where endpoints put what a model thinks before it answers; one of the two."""


def not_the_protocol(what: str) -> ModelFailure:
    """The failure of an endpoint that speaks something else."""
    return ModelFailure(
        f"the endpoint's answer is not of the chat protocol: {what}", kind="unavailable"
    )


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Assembly:
    """Takes what is sent, piece by piece.

    Args:
        content_type: of the response, once it has begun.
        usage: the endpoint's own numbers, unread.
        finish: why the answer ended, as the endpoint says; empty: it never said.
        thought_bytes: of what the model thought aloud: paid for, and never part of the answer.
    """

    def __init__(self) -> None:
        self.content_type = ""
        self.usage: Any = None
        self.finish = ""
        self.pieces = self.thought_bytes = 0
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._characters = self._argument_characters = 0

    @property
    def text(self) -> str:
        """What was said."""
        return _whole(self._text)

    @property
    def refusal(self) -> str:
        """Why the model declined; empty: it did not."""
        return _whole(self._refusal)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, each with an id that no other of them has."""
        made: list[ToolCall] = []
        taken: set[str] = set()
        for number, (_, call) in enumerate(sorted(self._calls.items())):
            arguments = _whole(call.arguments)
            id = call.id
            if not id or len(id) > _LONGEST_ID or id in taken or not is_plain(id):
                id = f"call_{number}_{content_hash([call.name, arguments])[:8]}"
            taken.add(id)
            made.append(
                ToolCall(id=id, name=_whole([call.name[:_LONGEST_ID]]), arguments=arguments)
            )
        return tuple(made)

    @property
    def characters(self) -> int:
        """All that was said, tool calls included."""
        return self._characters + self._argument_characters

    @property
    def told_what_it_cost(self) -> bool:
        """Whether numbers came, or words to estimate by; else it may have cost all there was."""
        return self.usage is not None or bool(self.characters or self.thought_bytes)

    def feed(self, sent: Mapping[str, Any]) -> str:
        """Takes a chunk, or a whole completion; answers the text in it.

        Raises ModelFailure: it is not of the protocol, or too long.
        """
        self.pieces += 1
        if isinstance(sent.get("usage"), Mapping):
            self.usage = sent["usage"]
        choices = sent.get("choices")
        if not isinstance(choices, list):
            raise not_the_protocol("it has no list of choices")
        choice = choices[0] if choices else {}
        if not isinstance(choice, Mapping):
            raise not_the_protocol("a choice is no object")
        if isinstance(choice.get("finish_reason"), str):
            self.finish = choice["finish_reason"][:50]
        said = choice.get("delta") or choice.get("message") or {}
        if not isinstance(said, Mapping):
            raise not_the_protocol("a message is no object")
        self._refusal.append(_text(said.get("refusal"))[:1000])
        for name in _THOUGHTS:
            self.thought_bytes += len(_text(said.get(name)).encode("utf-8", "replace"))
        self._take_calls(said.get("tool_calls"))
        return self._take_text(said.get("content"))

    def _take_text(self, content: Any) -> str:
        if isinstance(content, list):  # some endpoints send parts
            content = "".join(_text(part.get("text")) for part in content if _is_table(part))
        if content is None:
            return ""
        if not isinstance(content, str):
            raise not_the_protocol("a message's content is no text")
        self._characters += len(content)
        if self._characters > LONGEST:
            raise ModelFailure(f"an answer of more than {LONGEST} characters", kind="invalid")
        self._text.append(content)
        listener = LISTENER.get()
        if listener is not None and content:
            listener(content)
        return content

    def _take_calls(self, calls: Any) -> None:
        if calls is None:
            return
        if not isinstance(calls, list):
            raise not_the_protocol("tool calls are no list")
        for sent in calls:
            self._take_call(sent)

    def _take_call(self, sent: Any) -> None:
        if not _is_table(sent) or not _is_table(sent.get("function")):
            raise not_the_protocol("a tool call names no function")
        function = sent["function"]
        call = self._call(sent)
        call.id = call.id or _text(sent.get("id"))
        call.name = call.name or _text(function.get("name"))
        arguments = function.get("arguments")
        if _is_table(arguments):
            arguments = json.dumps(arguments)
        if arguments is not None and not isinstance(arguments, str):
            raise not_the_protocol("a tool call's arguments are neither text nor an object")
        self._argument_characters += len(arguments or "")
        if self._argument_characters > LONGEST:
            raise ModelFailure(
                f"tool calls with more than {LONGEST} characters of arguments", kind="invalid"
            )
        call.arguments.append(arguments or "")

    def _call(self, sent: Mapping[str, Any]) -> _Call:
        """The call that a piece belongs to, by its index, or by whether it names itself."""
        index = sent.get("index")
        if not isinstance(index, int) or isinstance(index, bool):
            begins = bool(sent.get("id") or _text(sent["function"].get("name")))
            index = len(self._calls) if begins else max(len(self._calls) - 1, 0)
        if index not in self._calls and len(self._calls) >= MOST_CALLS:
            raise ModelFailure(f"more than {MOST_CALLS} tool calls in one answer", kind="invalid")
        return self._calls.setdefault(index, _Call())


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


ASSEMBLY: ContextVar[Assembly] = ContextVar("labcrew_assembly")
"""Where the answer that is under way in this task is put together."""


LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("labcrew_listener", default=None)
"""Is given an answer's text as it comes, in this task; one that is asked for again begins anew."""


def _whole(pieces: list[str]) -> str:
    # Halves of characters can't be stored or sent.
    return "".join(pieces).encode("utf-8", "replace").decode("utf-8")
