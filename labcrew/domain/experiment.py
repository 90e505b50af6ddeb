"""What the crew does: plans, trials, scores, incidents."""

from datetime import datetime
from typing import Literal, Protocol

from pydantic import Field, field_validator

from labcrew.domain.base import Model
from labcrew.domain.monitoring import Action, IncidentKind
from labcrew.domain.research import QuarantinedRow, Suggestion
from labcrew.domain.search_space import Values


class Forecast(Model):
    """What the plan is expected to take; held against what happened in the report."""

    trials: int
    hours: float
    cost_usd: float
    basis: str = Field(description="what the numbers rest on")


class Plan(Model):
    """What a person approves before work starts."""

    id: str = Field(description="ticket, revision and round")
    ticket: str
    revision: int
    summary: str
    steps: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    quarantine: tuple[QuarantinedRow, ...] = Field(description="rows to take out of training data")
    environment: str = Field(description="what will be installed, in words")
    environment_key: str
    hosts: tuple[str, ...] = ()
    forecast: Forecast
    recalled: tuple[str, ...] = Field(default=(), description="lessons of earlier tickets")
    by: str = Field(description="who wrote it: rule, or model:<name>")


TrialKind = Literal[
    "baseline", "cleaned_baseline", "search", "finalist", "restart", "confirmation", "changed"
]
"""A confirmation is a run with a fresh seed after the choice; nothing is chosen by it. A changed
trial runs the code as a patch has it."""
TrialStatus = Literal[
    "planned", "running", "finished", "scored", "failed", "stopped", "skipped", "unknown"
]


NO_HOURS_LEFT = "not run: the hours were spent"
"""Why a trial was left out that had been planned."""


class Rescue(Model):
    """How a restart begins otherwise than the trial it repeats; see docs/supervision.md."""

    checkpoint: str = Field(
        default="", description="path beneath a trial's outputs; empty: it begins anew"
    )
    checkpoint_of: str = Field(
        default="", description="that trial; empty: the one that it restarts"
    )
    checkpoint_sha256: str = ""
    step: int | None = Field(default=None, description="of the checkpoint")
    learning_rate_scale: float = Field(default=1.0, gt=0, le=1)
    gradient_clip: float | None = Field(default=None, gt=0, description="largest gradient norm")
    batch_scale: float = Field(default=1.0, gt=0, le=1)
    without_batches: tuple[str, ...] = Field(
        default=(), max_length=1000, description="batches, shards or files to leave out"
    )


class Trial(Model):
    """One run of the user's command. Its id is ticket and number, so a re-run can't double it."""

    id: str
    ticket: str
    number: int = Field(ge=0)
    kind: TrialKind
    values: Values = Field(default_factory=dict, description="empty: the program's own defaults")
    seed: int
    data: Literal["original", "cleaned"]
    code: str = Field(default="", description="the patch it runs with, by hash; empty: none")
    because: str = Field(default="", description="who proposed it and why")
    cites: str = Field(default="", description="a finding, or the failed trial it repeats")
    restarts: str = Field(default="", description="the trial it starts again, if any")
    rescue: Rescue = Rescue()
    memory_mb: int
    status: TrialStatus = "planned"
    started_at: datetime | None = Field(default=None, description="by labcrew's clock")
    result: "TrialResult | None" = None
    score: "Score | None" = None
    tracker_run: str = Field(default="", description="MLflow's run id")

    @property
    def left_out(self) -> bool:
        """Whether it was planned and no hours were left to run it, so that nothing is known of what
        it sets; others are skipped as repeats of failures.
        """
        return self.status == "skipped" and self.because == NO_HOURS_LEFT


class TrialResult(Model):
    """How a run ended and what it left."""

    exit_code: int | None
    reason: str = Field(description="why it ended, in words")
    duration_s: float
    outputs_sha256: str = Field(description="over paths and contents of all kept outputs")
    output_files: int
    log_bytes: int
    log_sha256: str = Field(default="", description="of the kept log")
    reported: float | None = Field(
        default=None, description="the last metric the run printed: steers monitoring, not a score"
    )
    best: float | None = Field(default=None, description="the best that it printed; no score")
    unread: int = Field(
        default=0, ge=0, description="lines of its log that held numbers which could not be read"
    )


class Score(Model):
    """The number a decision may rest on, and where it came from."""

    value: float
    split: str
    source: Literal["evaluator", "reported"]
    trial: str
    commit: str
    data_sha256: str
    outputs_sha256: str
    seed: int
    image_digest: str
    evaluator_sha256: str = Field(default="", description="of the evaluator's command and files")


class Incident(Model):
    """Something that went wrong in a run, with the lines that show it."""

    id: str
    ticket: str
    trial: str
    kind: IncidentKind
    evidence: tuple[str, ...] = Field(description="log lines or readings: untrusted text")
    diagnosis: str
    confidence: float = Field(default=1.0, ge=0, le=1)
    step: int | None = Field(default=None, description="the run's own count where it was seen")
    subject: str = Field(default="", description="batch, shard, file or metric: untrusted text")
    at_s: float = Field(description="seconds since the run was first followed")
    seen_at: datetime | None = Field(default=None, description="when it was written down")
    intervention: "Intervention | None" = None


class Intervention(Model):
    """What was done about an incident, and what came of it."""

    @field_validator("action", mode="before")
    @classmethod
    def _as_older_ledgers_have_it(cls, action: object) -> object:
        older = {"restart_smaller": "restart_lower_rate", "stop": "give_up"}
        return older.get(action, action) if isinstance(action, str) else action

    action: Action
    because: str
    by: str = Field(description="rule, or model:<name>")
    new_trial: str = ""
    part_of: str = Field(default="", description="the incident that explains this one, if any")
    explored: bool = Field(default=False, description="chosen to learn, not as the best known")
    helped: bool | None = Field(default=None, description="None: not known yet")
    score: float | None = Field(
        default=None, ge=0, le=1, description="how well it went afterwards; None: not known yet"
    )


class TrackedRun(Model):
    """One run as an experiment tracker keeps it."""

    trial: Trial
    title: str
    metrics: tuple["MetricPoint", ...] = ()


class MetricPoint(Model):
    """One printed value of one metric."""

    name: str
    step: int
    value: float


class Tracker(Protocol):
    """Where runs are tracked for people: one file in tools/ each."""

    def record(self, experiment: str, run: TrackedRun) -> str:
        """Records a finished run and answers its id; the same trial is recorded once."""
