"""Turns as a prompt shows them again: what is long in them is cut, and says so."""

import json
from functools import lru_cache
from typing import Any

from agents.programming.turns import Turn
from labcrew.domain.chat import ToolCall
from labcrew.plain_text import HALVES
from tools.programming.telling import capped

_NOTE = 50
"""Characters of the words that say what was left out of a text."""


def fitted(turn: Turn, most: int, room: int) -> Turn:
    """The turn with its calls' arguments cut, and all of it where it is still too long.

    Args:
        most: characters of one call's arguments.
        room: characters of the whole turn.
    """
    if any(len(call.arguments) > most for call in turn.reply.calls):
        turn = _cut(turn, most)
    if turn.characters <= room:
        return turn
    share = _share(turn, room) - _NOTE
    return _cut(turn, share, share)


def _share(turn: Turn, room: int) -> int:
    """Characters that each text of a turn may have: what short ones leave is the long ones'."""
    calls = turn.reply.calls
    texts = [turn.reply.content, turn.told, *(came.text for came in turn.outcomes)]
    lengths = sorted(len(text) for text in (*texts, *(call.arguments for call in calls)))
    left, share = room - sum(len(call.name) for call in calls), 0
    for index, length in enumerate(lengths):
        share = left // (len(lengths) - index)
        if length > share:
            break
        left -= length
    return share


def _cut(turn: Turn, most: int, text: int | None = None) -> Turn:
    """The turn with shorter parts.

    Args:
        most: characters of one call's arguments.
        text: of what was said, answered and told; None: it stays.
    """

    def shorter(said: str) -> str:
        return said if text is None else capped(said, max(text, 0))

    calls = tuple(
        ToolCall(id=call.id, name=call.name, arguments=shortened(call.arguments, most))
        for call in turn.reply.calls
    )
    content = shorter(turn.reply.content)
    return turn.but(
        reply=turn.reply.model_copy(update={"content": content, "calls": calls}),
        outcomes=tuple(
            came.model_copy(update={"text": shorter(came.text)}) for came in turn.outcomes
        ),
        told=shorter(turn.told),
    )


@lru_cache(maxsize=16)
def shortened(arguments: str, most: int) -> str:
    """A call's arguments, as JSON still, in which each long value says how long it was.

    Args:
        most: characters of all; less than a note takes can't be kept to.
    """
    if len(arguments) <= most:
        return arguments
    try:
        read: Any = json.loads(arguments)
    except (ValueError, RecursionError):
        read = None
    values = read if isinstance(read, dict) else {"arguments": arguments}
    share = most
    while share > 0:
        cut = _json({name: _value(value, share) for name, value in values.items()})
        if len(cut) <= most:
            return cut
        share //= 2
    return _json({"arguments": _noted(arguments, 0)})


def _value(value: Any, most: int) -> Any:
    text = value if isinstance(value, str) else _json(value)
    return value if len(text) <= most else _noted(text, most)


def _noted(text: str, most: int) -> str:
    return f"{text[:most]}… [cut to be shown again: it was {len(text)} characters long]"


def _json(value: Any) -> str:
    return HALVES.sub("\ufffd", json.dumps(value, ensure_ascii=False))
