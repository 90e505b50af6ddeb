"""The conversation of the tools style, kept within bounds: what is old is told in a line a step.

The originals stay in the ledger. The border between old and new moves in jumps, so that most
prompts begin as the one before did and the endpoint's cache is of use.
"""

from collections.abc import Sequence

from agents.programming.fitting import fitted
from agents.programming.strategies import STRATEGIES
from agents.programming.turns import Turn
from labcrew.domain.chat import Message

_AFRESH = frozenset(strategy.name for strategy in STRATEGIES if strategy.afresh)


def conversation(
    system: str, task: str, turns: Sequence[Turn], characters: int, arguments: int
) -> list[Message]:
    """The messages of the next request.

    Args:
        system: who the model is and how it works.
        task: what is to be done, and what is known.
        turns: what was done, oldest first.
        characters: most of all messages; system and task are shown whole.
        arguments: most of one call's arguments.
    """
    room = max(characters - len(system) - len(task), characters // 4)
    shown = [fitted(turn, arguments, room) for turn in turns]
    start = border(shown, room)
    opening = task
    if start:
        opening += f"\n\nWhat you did before, in short:\n{summary(turns[:start], room // 3)}"
        if turns[start - 1].ask in _AFRESH:
            opening += f"\n\n{turns[start - 1].told}"
    messages = [
        Message(role="system", content=system),
        Message(role="user", content=opening),
    ]
    for turn in shown[start:]:
        messages += turn.messages
    return messages


def border(turns: Sequence[Turn], room: int) -> int:
    """The index of the first turn that is shown word for word.

    Past `room` characters it jumps so far that half of the room is free; a strategy that begins
    anew puts it behind its turn.
    """
    start = held = 0
    for index, turn in enumerate(turns):
        held += turn.characters
        if turn.ask in _AFRESH:
            start, held = index + 1, 0
        elif held > room:
            while start < index and held > room // 2:
                held -= turns[start].characters
                start += 1
    return start


def summary(turns: Sequence[Turn], characters: int) -> str:
    """What was done, a line a call; what the model noted is kept longest.

    Args:
        characters: most of it; the oldest lines go first, notes last.
    """
    lines = [line for turn in turns for line in turn.lines]
    told = [*lines, *(note for turn in turns for note in turn.notes)]
    first, left = len(told), characters
    while first and len(told[first - 1]) < left:
        first -= 1
        left -= len(told[first]) + 1
    return "\n".join(told[first:])
