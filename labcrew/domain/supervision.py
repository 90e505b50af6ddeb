"""What a ticket lets the log monitor do about its runs."""

from typing import Literal, Self

from pydantic import Field, model_validator

from labcrew.domain.base import Model
from labcrew.domain.monitoring import ACTIONS, Action
from labcrew.domain.repository_path import RepositoryPath

Offer = Literal[
    "checkpoints", "resume", "learning_rate", "gradient_clip", "batch_size", "quarantine"
]
"""What a program may let its supervisor do; see docs/supervision.md."""


class Supervision(Model):
    """What the log monitor may do about a run that goes wrong."""

    actions: tuple[Action, ...] = Field(
        default=ACTIONS, description="the only actions it may choose; default: all there are"
    )
    critical: bool = Field(
        default=False, description="true: it takes the action known as best, and never tries others"
    )
    rescues: int = Field(default=2, ge=0, le=20, description="most restarts of one run")
    checkpoints: RepositoryPath | None = Field(
        default=None,
        description="folder beneath the outputs folder where the program saves its checkpoints;"
        " default: checkpoints",
    )
    resume: str = Field(
        default="",
        max_length=200,
        description="argument that starts from a checkpoint, put in for {resume} in the command,"
        " e.g. '--resume {checkpoint}'; not needed by a program that reads LABCREW_RESUME",
    )
    offers: tuple[Offer, ...] | None = Field(
        default=None,
        description="what the program lets its supervisor do; default: what its files show by the"
        " names of the variables that they read",
    )

    @model_validator(mode="after")
    def _names_the_checkpoint(self) -> Self:
        if self.resume and "{checkpoint}" not in self.resume:
            raise ValueError("resume must contain {checkpoint}")
        return self
