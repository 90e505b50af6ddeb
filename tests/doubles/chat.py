"""A chat model that gives prepared answers."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from labcrew.domain.chat import Message, Reply, ToolOffer


class ScriptedChat:
    """Answers from a script, and for ever with its end.

    Args:
        answers: text as it is; another value as JSON; a whole reply; an exception is raised; None
            takes a minute.
    """

    def __init__(self, *answers: Any, name: str = "scripted") -> None:
        self.name = name
        self._answers = list(answers)
        self.asked: list[tuple[Message, ...]] = []
        self.offered: list[tuple[ToolOffer, ...]] = []
        self.purposes: list[str] = []
        self.prompt_characters: int | None = None

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """The next answer of the script."""
        self.asked.append(tuple(messages))
        self.offered.append(tuple(tools))
        self.purposes.append(purpose)
        said = self._answers[min(len(self.asked), len(self._answers)) - 1]
        if isinstance(said, Exception):
            raise said
        if said is None:
            await asyncio.sleep(60)
        if isinstance(said, Reply):
            return said
        if isinstance(said, BaseModel):
            said = said.model_dump(mode="json")
        text = said if isinstance(said, str) else json.dumps(said)
        return Reply(message=Message(role="assistant", content=text), model=self.name)

    @property
    def questions(self) -> list[str]:
        """What was asked last in each conversation, oldest first."""
        return [messages[-1].content for messages in self.asked]
