"""What is changed when a loop is stuck, and when there is nothing left to change."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.programming.stuck import TOLD, Pattern, stuck
from agents.programming.turns import Turn


@dataclass(frozen=True)
class Strategy:
    """A way to go on.

    Args:
        name: as turns record it.
        text: what the model is told.
        afresh: whether the conversation begins anew, with a summary of what was done.
        back: whether the change is put back to the base commit.
    """

    name: str
    text: str
    afresh: bool = False
    back: bool = False


RETHINK = Strategy(
    "rethink",
    "Stop and think again: what exactly fails, on which line, with which values? Then take a step"
    " of another kind than the last ones: if you were reading, edit; if you were editing, run the"
    " failing test alone and read its message.",
)
ELSEWHERE = Strategy(
    "elsewhere",
    "The cause may lie elsewhere: in what calls this code, in what it calls, or in its"
    " configuration. Look at another file before the next edit.",
    afresh=True,
)
START_OVER = Strategy(
    "start_over",
    "Your change was taken back: the files are as at the start. Choose another idea, the smallest"
    " one that could work, and test it at once.",
    afresh=True,
    back=True,
)
STRATEGIES = (RETHINK, ELSEWHERE, START_OVER)
"""In the order in which they are taken; after the last one the loop gives up."""


@dataclass(frozen=True)
class Course:
    """How the loop goes on.

    Args:
        pattern: in which it is stuck; None while it gets on.
        strategy: what is changed now; None where nothing is left, or nothing needs to be.
    """

    pattern: Pattern | None = None
    strategy: Strategy | None = None

    @property
    def hopeless(self) -> bool:
        """Whether it is stuck and everything was tried."""
        return self.pattern is not None and self.strategy is None

    @property
    def told(self) -> str:
        """What the model is told; empty while it gets on."""
        if self.pattern is None or self.strategy is None:
            return ""
        return f"You are stuck: {TOLD[self.pattern]}. {self.strategy.text}"


def course(turns: Sequence[Turn]) -> Course:
    """How to go on after the newest turn.

    Args:
        turns: all of them; `ask` names the strategy that a turn ended with.
    """
    changes = [index for index, turn in enumerate(turns) if turn.ask]
    since = changes[-1] + 1 if changes else 0
    pattern = stuck(turns[since:])
    if pattern is None:
        return Course()
    if len(changes) >= len(STRATEGIES):
        return Course(pattern)
    return Course(pattern, STRATEGIES[len(changes)])
