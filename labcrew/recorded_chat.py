"""A chat model that says again what was recorded, and nothing else: for replaying a ticket."""

from collections.abc import Iterable, Sequence
from typing import get_args

from pydantic import BaseModel

from labcrew.domain.chat import FailureKind, Message, Reply, ToolOffer
from labcrew.domain.programming import ModelCall
from labcrew.errors import ModelFailure, ReplayError
from labcrew.metered import ANSWERED, CANCELLED
from labcrew.recordings import Recordings, Request, sha256
from labcrew.spending import INTERRUPTED


class RecordedChat:
    """Answers by the hash of the request, in the order in which the same request was answered.

    Args:
        name: the model's, which is part of a request.
        calls: what may be asked; calls that a killed process left without an answer are no answer.
        recordings: where the answers are kept.
        refused: why the account let no further call begin; empty: it did.
    """

    def __init__(
        self,
        name: str,
        calls: Iterable[ModelCall],
        recordings: Recordings,
        refused: str = "",
    ) -> None:
        self.name = name
        self._refused = refused
        self._recordings = recordings
        self._left: dict[str, list[ModelCall]] = {}
        for call in calls:
            if call.outcome != INTERRUPTED:
                self._left.setdefault(call.prompt_sha256, []).append(call)

    @property
    def left(self) -> list[str]:
        """Ids of the calls that were not asked for again."""
        return [call.id for calls in self._left.values() for call in calls]

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """What was answered.

        Raises:
            ReplayError: this was never asked, or the answer is not kept any more.
            ModelFailure, TimeoutError: as it was.
        """
        text = Request.of(self.name, messages, tools, schema).text
        calls = self._left.get(sha256(text))
        if not calls and self._refused:
            raise ModelFailure(self._refused, kind="over_budget")
        if not calls:
            last = messages[-1].content if messages else ""
            raise ReplayError(
                f"{purpose or 'a model'} asks {self.name} what was never asked of it.",
                f"It ends: {last[-200:]!r}",
            )
        call = calls.pop(0)
        if call.outcome == ANSWERED:
            reply = self._recordings.reply(call.answer)
            if reply is None:
                raise ReplayError(f"The answer of {call.id} is not kept any more, or was changed.")
            return reply
        if call.outcome == CANCELLED:
            raise TimeoutError
        kind, _, message = call.outcome.partition(": ")
        part = self._recordings.reply(call.answer)
        if part is None:
            raise ModelFailure(message, kind=_kind(kind))
        said, tokens = part.message.content, part.tokens if part.tokens.total else None
        raise ModelFailure(message, kind=_kind(kind), said=said, tokens=tokens)


def _kind(text: str) -> FailureKind:
    for kind in get_args(FailureKind):
        if kind == text:
            return kind  # type: ignore[no-any-return]
    return "invalid"
