"""An endpoint that is asked again where that helps, within one time limit."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import BaseModel

from desk.models.usage import added
from labcrew.domain.chat import ChatModel, Manner, Message, Reply, Tokens, ToolOffer
from labcrew.errors import ModelFailure

_FIRST_WAIT_S = 0.5
_LONGEST_REST_S = 3600.0
"""However long an endpoint wants to be left alone, it is asked again after this."""
Sleep = Callable[[float], Awaitable[None]]


class RetryingChat:
    """Asks again after failures that may pass; waits as the endpoint says, or twice as long each
    time.

    Args:
        chat: is asked.
        retries: calls more, at most.
        longest_wait_s: before one; an endpoint that asks for a longer wait has failed.
        timeout_s: seconds for all calls and waits together.
        sleep: waits.
        clock: seconds that never go back.
        not_before: when the endpoint may be asked, by that clock; shared with copies.
    """

    def __init__(
        self,
        chat: ChatModel,
        *,
        retries: int,
        longest_wait_s: float,
        timeout_s: float,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        not_before: list[float] | None = None,
    ) -> None:
        self.name = chat.name
        self.timeout_s = timeout_s
        self._chat = chat
        self._retries = retries
        self._longest_wait_s = longest_wait_s
        self._sleep = sleep
        self._clock = clock
        self._not_before = [0.0] if not_before is None else not_before

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_chat"], name)  # what the endpoint can do

    def in_manner(self, manner: Manner) -> "RetryingChat":
        """The same, whose replies are written in another manner."""
        return RetryingChat(
            self._chat.in_manner(manner),  # type: ignore[attr-defined]
            retries=self._retries,
            longest_wait_s=self._longest_wait_s,
            timeout_s=self.timeout_s,
            sleep=self._sleep,
            clock=self._clock,
            not_before=self._not_before,
        )

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Asks until there is an answer; tokens are those of all calls.

        Raises ModelFailure: there is none, or the endpoint asked for a longer wait than is waited.
        """
        spent = Tokens()
        last: ModelFailure | None = None
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._rest()
                for number in range(self._retries + 1):
                    try:
                        reply = await self._chat.reply(
                            messages, tools=tools, schema=schema, purpose=purpose
                        )
                    except ModelFailure as failure:
                        last = failure
                        spent = added(spent, failure.tokens or Tokens())
                        self._remember(failure)
                        wait_s = self._wait_s(failure, number)
                        if wait_s is None:
                            break
                        await self._sleep(wait_s)
                    else:
                        return reply.model_copy(update={"tokens": added(spent, reply.tokens)})
        except TimeoutError:
            reason = f"no answer within {self.timeout_s:g} s"
            if last is not None:
                reason += f"; before: {last.message}"
            last = ModelFailure(reason, kind="timed_out")
        assert last is not None
        raise ModelFailure(
            last.message,
            last.remedy,
            kind=last.kind,
            retry_after_s=last.retry_after_s,
            tokens=spent if spent.total else None,
            said=last.said,
        )

    async def _rest(self) -> None:
        """Waits for as long as the endpoint asked for before. Raises ModelFailure: too long."""
        left_s = self._not_before[0] - self._clock()
        if left_s > self._longest_wait_s:
            raise ModelFailure(
                f"the endpoint was not asked: it wants no request for {left_s:.0f} s more",
                kind="rate_limited",
                retry_after_s=left_s,
            )
        if left_s > 0:
            await self._sleep(left_s)

    def _remember(self, failure: ModelFailure) -> None:
        asked_s = failure.retry_after_s
        if failure.passes and asked_s is not None and asked_s < math.inf:  # a quota may be raised
            self._not_before[0] = self._clock() + min(asked_s, _LONGEST_REST_S)

    def _wait_s(self, failure: ModelFailure, number: int) -> float | None:
        """Seconds before the next call; None: there is none."""
        if not failure.passes or number >= self._retries:
            return None
        if failure.retry_after_s is None:
            return min(_FIRST_WAIT_S * 2.0**number, self._longest_wait_s)
        return failure.retry_after_s if failure.retry_after_s <= self._longest_wait_s else None
