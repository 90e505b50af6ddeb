"""What one way made of one task, as results keep it."""

from typing import Literal, get_args

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.chat import Tokens

Arm = Literal[
    "single",
    "samples",
    "loop",
    "no-feedback",
    "no-search",
    "no-critique",
    "no-reduce",
    "mini-swe-agent",
]
ARMS: tuple[Arm, ...] = get_args(Arm)
COMPLETION_TOKENS = 1500
"""What every way may have a model write for one task."""
STEPS = 24
"""How many answers of a model every way may act on for one task."""


class Proposal(Model):
    """What a way answers.

    Args:
        files: path → whole text; empty where nothing could be made of its answers.
        ended: why it ended, in words.
    """

    files: dict[str, str]
    steps: int = Field(ge=0)
    tokens: Tokens
    seconds: float = Field(ge=0)
    ended: str = Field(max_length=2000)


class Attempt(Model):
    """A proposal and what the hidden judge says of it."""

    task: str
    half: Literal["visible", "unseen"]
    difficulty: str
    arm: Arm
    model: str
    seed: int
    solved: bool = Field(description="fail_to_pass pass now, pass_to_pass still do")
    changed: bool = Field(description="whether any file differs")
    failing: tuple[str, ...] = Field(description="tests that had to pass and don't")
    steps: int
    tokens: Tokens
    seconds: float
    ended: str

    @property
    def id(self) -> str:
        """Names the attempt among all results."""
        return attempt_id(self.arm, self.model, self.task, self.seed)


def attempt_id(arm: Arm, model: str, task: str, seed: int) -> str:
    """What an attempt is kept by."""
    return f"{arm}-{model}-{task}-{seed}"
