"""What the loop remembers of each reply that it acted on."""

from functools import cached_property
from typing import Any

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.chat import Message, Tokens
from labcrew.domain.testing import TestReport
from labcrew.varying import steady

_LINE, _NOTE = 160, 500
_NOTES = frozenset({"note"})


class Outcome(Model):
    """What one tool, or one check of the loop's own, came to."""

    id: str = Field(default="", description="of the call that it answers")
    name: str
    arguments: str = Field(default="", description="SHA-256 of what was asked")
    text: str = Field(description="as the model is told: capped, untrusted")
    failed: bool = Field(default=False, description="whether the tool or the check did")
    trouble: str = Field(
        default="",
        description="what failed, be it in what a tool ran, without what varies from run to run",
    )

    @property
    def asked(self) -> str:
        """The same for two calls that ask the same."""
        return f"{self.name} {self.arguments}"

    @cached_property
    def said(self) -> tuple[str, str]:
        """The same for two that came to the same, whatever varies from run to run."""
        if self.trouble:
            return ("failed", steady(self.trouble))  # an old ledger has some as it was printed
        return ("said", steady(self.text))


class Turn(Model):
    """One reply and what was done about it; what prompts say of it is made once."""

    step: int = Field(ge=0)
    reply: Message
    model: str
    tokens: Tokens
    outcomes: tuple[Outcome, ...] = ()
    ask: str = Field(default="", description="what was asked for, as the loop chose it")
    told: str = Field(default="", description="what the loop says to the model before its next")
    tried: tuple[str, ...] = Field(
        default=(), description="style direct: hashes of the changes that were tried"
    )
    files: dict[str, str] = Field(
        default_factory=dict, description="style direct: path → text, where it is built upon"
    )
    failing: int | None = Field(
        default=None, description="tests that did not pass with the best of it"
    )
    report: TestReport | None = Field(
        default=None, description="style direct: how the tests fail with what is built upon"
    )
    kept: bool = Field(
        default=False,
        description="whether it is built upon; style tools: whether it ended the work",
    )

    def but(self, **changes: Any) -> "Turn":
        """The same with other fields; `model_copy` would keep what was made of the old ones."""
        return Turn(**{name: getattr(self, name) for name in Turn.model_fields} | changes)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """What it adds to the conversation: the reply, its answers, and what the loop says."""
        answers = (
            Message(role="tool", content=came.text, answers=came.id)
            for came in self.outcomes
            if came.id
        )
        told = (Message(role="user", content=self.told),) if self.told else ()
        return (self.reply, *answers, *told)

    @cached_property
    def characters(self) -> int:
        """Those of its messages."""
        return sum(
            len(message.content) + sum(len(c.arguments) + len(c.name) for c in message.calls)
            for message in self.messages
        )

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the model noted, a line a note."""
        return tuple(
            f"- you noted: {in_a_line(call.arguments, _NOTE)}"
            for call, came in zip(self.reply.calls, self.outcomes, strict=False)
            if came.name in _NOTES and not came.failed
        )

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """What else was done, a line a call."""
        calls = (
            f"- {came.name} {in_a_line(call.arguments, _LINE)}"
            f" {'failed' if came.failed else 'gave'}: {in_a_line(came.text, _LINE)}"
            for call, came in zip(self.reply.calls, self.outcomes, strict=False)
            if came.name not in _NOTES or came.failed
        )
        told = (f"- you were told: {in_a_line(self.told, _LINE)}",) if self.told else ()
        return (*calls, *told)


def in_a_line(text: str, most: int) -> str:
    """The beginning of a text, without line breaks.

    Args:
        most: characters.
    """
    one = " ".join(text.split())
    return one if len(one) <= most else f"{one[: most - 1]}…"


def spent(turns: tuple[Turn, ...] | list[Turn]) -> Tokens:
    """The tokens of all turns."""
    return Tokens(
        prompt=sum(turn.tokens.prompt for turn in turns),
        cached=sum(turn.tokens.cached for turn in turns),
        completion=sum(turn.tokens.completion for turn in turns),
    )
