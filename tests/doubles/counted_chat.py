"""A chat model of a test: answers what a function makes of the request, after a moment."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from labcrew.domain.chat import Message, Reply, Tokens, ToolOffer

Answers = Callable[[Sequence[Message]], Reply]


def says(
    text: str, *, prompt: int = 10, completion: int = 5, cached: int = 0, model: str = "double"
) -> Reply:
    """An answer of some text and tokens."""
    return Reply(
        message=Message(role="assistant", content=text),
        model=model,
        tokens=Tokens(prompt=prompt, completion=completion, cached=cached),
    )


@dataclass
class DoubleChat:
    """Counts how often it was asked, and how often at once.

    Args:
        answers: makes the answer; may raise.
        rounds: turns of the event loop that a call takes.
    """

    answers: Answers = lambda messages: says(f"to {messages[-1].content}")
    name: str = "double"
    max_tokens: int = 100
    rounds: int = 1
    asked: list[tuple[Message, ...]] = field(default_factory=list)

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        self.asked.append(tuple(messages))
        for _ in range(self.rounds):
            await asyncio.sleep(0)
        return self.answers(messages)


def user(text: str) -> list[Message]:
    """A conversation of one question."""
    return [Message(role="user", content=text)]
