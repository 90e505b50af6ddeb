"""A local model that one attempt may use: what it writes is counted, and ends with its budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from desk.models.endpoint import EndpointChat, in_manner
from evals.repair.attempt import COMPLETION_TOKENS, STEPS
from labcrew.domain.chat import Manner, Message, Reply, Tokens, ToolOffer
from labcrew.errors import ModelFailure
from labcrew.settings import ModelSettings

_OF_THE_ANSWER = ("cut_off", "refused", "invalid", "too_long")


@dataclass
class Account:
    """What an attempt has used.

    Args:
        lost: why the endpoint itself failed: then the attempt says nothing of its arm.
    """

    tokens: Tokens = field(default_factory=Tokens)
    calls: int = 0
    lost: ModelFailure | None = None

    @property
    def left(self) -> int:
        """Completion tokens that may still be written."""
        if self.calls >= STEPS:
            return 0
        return max(0, COMPLETION_TOKENS - self.tokens.completion)

    def note(self, tokens: Tokens | None) -> None:
        """Counts a call."""
        more = tokens or Tokens()
        self.calls += 1
        self.tokens = Tokens(
            prompt=self.tokens.prompt + more.prompt,
            cached=self.tokens.cached + more.cached,
            completion=self.tokens.completion + more.completion,
            estimated=self.tokens.estimated or more.estimated,
        )


class MeteredChat:
    """The model as an arm is given it; each answer may be as long as what is left.

    Args:
        settings: the model.
        account: shared with its copies in another manner.
    """

    native_tools = False
    small = True

    def __init__(self, settings: ModelSettings, account: Account, begin: str = "") -> None:
        self._begin = begin
        self.name = settings.name
        self.settings = settings
        self.context_tokens = settings.context_tokens
        self.account = account

    def in_manner(self, manner: Manner) -> "MeteredChat":
        """The same, whose replies are written in another manner."""
        return MeteredChat(in_manner(self.settings, manner), self.account, manner.begin)

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Asks once. Raises ModelFailure; "cut_off" where nothing is left."""
        left, most = self.account.left, self.settings.max_tokens
        if not left:
            raise ModelFailure("the attempt's budget is used up", kind="cut_off")
        chat = EndpointChat(
            self.settings.model_copy(update={"max_tokens": min(left, most)}), self._begin
        )
        try:
            reply = await chat.reply(messages, tools=tools, schema=schema, purpose=purpose)
        except ModelFailure as failure:
            self.account.note(failure.tokens)
            if failure.kind not in _OF_THE_ANSWER:
                self.account.lost = failure
            raise
        self.account.note(reply.tokens)
        return reply
