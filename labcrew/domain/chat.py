"""A conversation with a chat model: messages, tool calls, and the port that an endpoint fulfils."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel, Field

from labcrew.domain.base import Model


class ToolCall(Model):
    """A tool that a model wants used; its arguments are what it wrote, unread."""

    id: str = Field(max_length=200)
    name: str = Field(max_length=200)
    arguments: str = Field(description="JSON, or what the model took for it: untrusted text")


class Message(Model):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    calls: tuple[ToolCall, ...] = Field(default=(), description="role assistant: tools to use")
    answers: str = Field(default="", description="role tool: the id of the call it answers")


class Manner(Model):
    """How a reply is written, by models that can be told: those with a method `in_manner`."""

    temperature: float | None = Field(default=None, description="None: the model's own")
    seed: int | None = Field(default=None, description="of what is drawn")
    most_tokens: int | None = Field(default=None, ge=1, description="besides the model's own most")
    begin: str = Field(default="", description="its first words, put into its mouth: local files")
    stop: tuple[str, ...] = Field(default=(), description="ends before the first of these texts")


class ToolOffer(Model):
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON schema of its arguments")


class Tokens(Model):
    """What a call to an endpoint used, as the endpoint counts."""

    prompt: int = Field(default=0, ge=0, description="cached ones included")
    cached: int = Field(default=0, ge=0, description="of the prompt, found in its cache")
    completion: int = Field(default=0, ge=0)
    estimated: bool = Field(
        default=False, description="counted here, as the endpoint gave no numbers that can be true"
    )

    @property
    def total(self) -> int:
        return self.prompt + self.completion

    def plus(self, other: "Tokens") -> "Tokens":
        """Those of two calls together."""
        return Tokens(
            prompt=self.prompt + other.prompt,
            cached=self.cached + other.cached,
            completion=self.completion + other.completion,
            estimated=self.estimated or other.estimated,
        )


class Reply(Model):
    """What an endpoint answered."""

    message: Message
    model: str = Field(description="who answered, as settings name it")
    tokens: Tokens = Tokens()
    finish: str = Field(default="stop", description="why it ended, as the endpoint says")


FailureKind = Literal[
    "rate_limited",
    "unavailable",
    "timed_out",
    "unauthorised",
    "unknown_model",
    "too_long",
    "cut_off",
    "refused",
    "invalid",
    "over_budget",
]
"""How a call to an endpoint can fail; see `labcrew.errors.ModelFailure`."""


class ChatModel(Protocol):
    """A chat model; desk/ builds the real ones, and wraps them one in the other."""

    name: str

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Asks once.

        Args:
            messages: the conversation, oldest first.
            tools: what the model may ask for; whether it does is its choice.
            schema: the answer must be JSON of this type. It is asked for, not checked.
            purpose: the judgement's or loop's name, for accounts and traces.

        Raises ModelFailure.
        """
