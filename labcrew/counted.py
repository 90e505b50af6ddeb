"""A chat model that counts what is used of it."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from labcrew.attempts import used_by
from labcrew.domain.chat import ChatModel, Message, Reply, Tokens, ToolOffer
from labcrew.domain.spending import Amount, Price
from labcrew.errors import ModelFailure
from labcrew.recordings import Request


class CountedChat:
    """Passes questions on, and counts every answer, used or not.

    Args:
        chat: answers.
        prices: model → price.
    """

    def __init__(self, chat: ChatModel, prices: Mapping[str, Price]) -> None:
        self.name = chat.name
        self.used = Amount()
        self._chat, self._prices = chat, prices

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Asks once.

        Raises ModelFailure, whose tokens count as well: in full where it does not tell of them,
        unless the endpoint turned the request away.
        """
        try:
            reply = await self._chat.reply(messages, tools=tools, schema=schema, purpose=purpose)
        except ModelFailure as failure:
            request = Request.of(self.name, messages, tools, schema)
            used = used_by(failure, request, self._chat)
            if used.total:
                self._count(used, self.name)
            raise
        self._count(reply.tokens, reply.model)
        return reply

    def _count(self, tokens: Tokens, model: str) -> None:
        price = self._prices.get(model)
        self.used = self.used.plus(tokens, price.of(tokens) if price is not None else None)
