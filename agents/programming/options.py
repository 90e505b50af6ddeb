"""How the loop that writes code behaves; a part can be taken out to measure what it is worth."""

from dataclasses import dataclass, replace
from typing import Literal

from labcrew.domain.base import Model

PROGRAMMING = "merge_request.programming"
"""What settings know the writing of code by, beside the crew's questions."""
Style = Literal["tools", "direct"]


@dataclass(frozen=True)
class LoopOptions:
    """Bounds and parts of the loop.

    Args:
        style: "tools": the model calls tools, one conversation long; "direct": each reply is one
            edit in a fenced block, and the loop does the rest, for small models; None: "direct"
            for a model whose attribute `small` is true, else "tools".
        error_feedback: whether the model is told how its last change failed.
        search: whether places are looked for by the failure and the question; without it the
            files are shown in the order of their names.
        critique: whether a change is looked at before it is tested and before it is called done.
        reduce: whether each place of a fault's mending is taken out again without which all tests
            pass as well; style direct.
        prompt_characters: most of one prompt; about four to a token.
        answer_characters: most of one tool's answer that is shown.
        completion_tokens: most that the whole loop may have written, None: no bound but the
            ticket's budget.
        temperature: of replies after the first, where the model can be told one.
        seed: of the first sampled reply; each later one has the next.
    """

    style: Style | None = None
    error_feedback: bool = True
    search: bool = True
    critique: bool = True
    reduce: bool = True
    prompt_characters: int = 60_000
    answer_characters: int = 6_000
    completion_tokens: int | None = None
    temperature: float = 0.7
    seed: int = 0

    def halved(self) -> "LoopOptions":
        """The same with half the room, for a model that found a prompt too long."""
        return replace(
            self,
            prompt_characters=self.prompt_characters // 2,
            answer_characters=self.answer_characters // 2,
        )


class Terms(Model):
    """What steps of the loop go by that a person may change while it runs.

    Args:
        model: the name of who writes.
        steps: those of the ticket's budget.
    """

    model: str
    style: Style
    steps: int
