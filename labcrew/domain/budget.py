"""What a ticket may spend."""

from math import inf
from typing import Any

from annotated_types import Le
from pydantic import Field

from labcrew.domain.base import Model

MOST_HOURS = 87_600
"""Ten years: what is counted in hours and waits for people has an end that a date can be."""
MOST_SECONDS = 30 * 86_400
"""Thirty days: the longest that one command may take."""
MOST_USD = 1_000_000_000


class Budget(Model):
    """What the crew may spend before it must ask a person."""

    trials: int = Field(
        default=20, ge=1, le=100_000, description="runs of the command, seeds and restarts counted"
    )
    hours: float = Field(
        default=8,
        gt=0,
        le=MOST_HOURS,
        allow_inf_nan=False,
        description="hours of running, side by side once, gates not counted; once spent no run"
        " begins",
    )
    parallel: int = Field(default=2, ge=1, le=256, description="runs at once")
    cpus: float = Field(default=1, gt=0, le=4096, allow_inf_nan=False, description="cores a run")
    memory_mb: int = Field(default=2048, ge=64, description="MiB a run")
    memory_limit_mb: int | None = Field(
        default=None,
        ge=64,
        description="MiB that a run may be given when it is started again after running out of"
        " memory; default: no more than memory_mb",
    )
    disk_mb: int = Field(
        default=4096,
        ge=16,
        description="MiB that a run's workspace holds, its copy of the files and its outputs",
    )
    gpus: int = Field(default=0, ge=0, description="GPUs a run")
    usd_per_hour: float = Field(
        default=0,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="price of one running trial",
    )
    model_tokens: int = Field(
        default=2_000_000, ge=0, description="tokens that chat models may use, prompts counted"
    )
    model_usd: float | None = Field(
        default=None,
        ge=0,
        le=MOST_USD,
        allow_inf_nan=False,
        description="money for chat models, by the settings' prices; default:"
        " no bound but model_tokens",
    )
    steps: int = Field(
        default=60,
        ge=1,
        le=10_000,
        description="answers of a model that writes code may act on, in each revision and each try"
        " anew; a person is asked for more",
    )


def most_of(name: str) -> float:
    """The most that a field of a budget may be; infinity where it has no bound."""
    bounds: list[Any] = [m.le for m in Budget.model_fields[name].metadata if isinstance(m, Le)]
    return min(bounds, default=inf)
