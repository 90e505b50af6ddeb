"""Several chat models for one purpose, asked in order."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from desk.models.usage import added
from labcrew.domain.chat import ChatModel, FailureKind, Manner, Message, Reply, Tokens, ToolOffer
from labcrew.errors import ModelFailure

_REST_S = 60.0
_LASTING: tuple[FailureKind, ...] = (
    "rate_limited", "unavailable", "timed_out", "unauthorised", "unknown_model",
)  # fmt: skip
"""Failures that say more of the endpoint than of the question."""


class FallbackChat:
    """Asks the next one where one fails.

    One whose endpoint failed rests for a minute, or for as long as it asked for: meanwhile it is
    asked last.

    Args:
        chats: in the order in which they are asked, at least one.
        clock: seconds that never go back.
        rests_until: by that clock, one a chat; shared with copies in another manner.
    """

    def __init__(
        self,
        chats: Sequence[ChatModel],
        clock: Callable[[], float] = time.monotonic,
        rests_until: list[float] | None = None,
    ) -> None:
        self.name = chats[0].name
        self.timeout_s = sum(getattr(chat, "timeout_s", 60.0) for chat in chats)
        self.max_tokens = max(getattr(chat, "max_tokens", 1024) for chat in chats)
        fits = (getattr(chat, "prompt_characters", None) for chat in chats)
        self.prompt_characters = min((room for room in fits if room), default=None)
        self.names = tuple(chat.name for chat in chats)
        self._chats = tuple(chats)
        self._clock = clock
        self._rests_until = [0.0] * len(self._chats) if rests_until is None else rests_until

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_chats"][0], name)  # what the first endpoint can do

    def in_manner(self, manner: Manner) -> "FallbackChat":
        """The same, whose replies are written in another manner."""
        chats = [chat.in_manner(manner) for chat in self._chats]  # type: ignore[attr-defined]
        return FallbackChat(chats, self._clock, self._rests_until)

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """The first answer that one of them gives; tokens are those of all calls.

        Raises ModelFailure: none did; its words name each. All else is the last one's that had
        begun to answer, which can be made use of, or else the last one's.
        """
        spent = Tokens()
        failures: list[tuple[str, ModelFailure]] = []
        for number in self._order():
            chat = self._chats[number]
            try:
                reply = await chat.reply(messages, tools=tools, schema=schema, purpose=purpose)
            except ModelFailure as failure:
                if failure.kind == "over_budget":
                    raise
                if failure.kind in _LASTING:
                    rest_s = min(failure.retry_after_s or _REST_S, 10 * _REST_S)
                    self._rests_until[number] = self._clock() + rest_s
                spent = added(spent, failure.tokens or Tokens())
                failures.append((chat.name, failure))
            else:
                self._rests_until[number] = 0.0
                return reply.model_copy(update={"tokens": added(spent, reply.tokens)})
        last = next((f for _, f in reversed(failures) if f.said), failures[-1][1])
        raise ModelFailure(
            "; ".join(f"{name}: {failure.message}" for name, failure in failures),
            last.remedy,
            kind=last.kind,
            retry_after_s=last.retry_after_s,
            tokens=spent if spent.total else None,
            said=last.said,
        )

    def _order(self) -> list[int]:
        now = self._clock()
        return sorted(range(len(self._chats)), key=lambda n: self._rests_until[n] > now)
