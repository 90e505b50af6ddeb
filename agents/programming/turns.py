"""What the loop remembers of each reply that it acted on."""

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.chat import Message, Tokens
from labcrew.domain.testing import TestReport


class Outcome(Model):
    """What one tool, or one check of the loop's own, came to."""

    id: str = Field(default="", description="of the call that it answers")
    name: str
    arguments: str = Field(default="", description="SHA-256 of what was asked")
    text: str = Field(description="as the model is told: capped, untrusted")
    failed: bool = False
    trouble: str = Field(default="", description="what failed, without numbers that vary")

    @property
    def asked(self) -> str:
        """The same for two calls that ask the same."""
        return f"{self.name} {self.arguments}"

    @property
    def said(self) -> tuple[str, str]:
        """The same for two that came to the same."""
        return ("failed", self.trouble) if self.trouble else ("said", self.text)


class Turn(Model):
    """One reply and what was done about it."""

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

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it adds to the conversation: the reply, its answers, and what the loop says."""
        answers = (
            Message(role="tool", content=came.text, answers=came.id)
            for came in self.outcomes
            if came.id
        )
        told = (Message(role="user", content=self.told),) if self.told else ()
        return (self.reply, *answers, *told)

    @property
    def characters(self) -> int:
        """Those of its messages."""
        return sum(
            len(message.content) + sum(len(c.arguments) + len(c.name) for c in message.calls)
            for message in self.messages
        )


def spent(turns: tuple[Turn, ...] | list[Turn]) -> Tokens:
    """The tokens of all turns."""
    return Tokens(
        prompt=sum(turn.tokens.prompt for turn in turns),
        cached=sum(turn.tokens.cached for turn in turns),
        completion=sum(turn.tokens.completion for turn in turns),
    )
