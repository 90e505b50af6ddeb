"""What is seen of a run while it trains, and what may be wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from pydantic import Field

from labcrew.domain.base import Model

IncidentKind = Literal[
    "not_finite",
    "diverged",
    "loss_spike",
    "gradient_explosion",
    "plateau",
    "overfitting",
    "stalled",
    "slowed",
    "data_starved",
    "memory_rising",
    "out_of_memory",
    "disk_filling",
    "storage_full",
    "corrupt_batch",
    "shifted_data",
    "metric_jump",
    "train_validation_contradiction",
    "evaluation_disagrees",
    "bad_checkpoint",
    "crashed",
    "time_limit",
    "no_metric",
    "engine_lost",
]
"""What can be wrong with a run. "stalled": nothing happens; "data_starved": it waits for data."""

Action = Literal[
    "continue",
    "give_up",
    "escalate",
    "restart_same",
    "restart_lower_rate",
    "restart_clipped",
    "restart_smaller_batch",
    "restart_with_memory",
    "restart_without_batch",
    "restart_elsewhere",
    "reevaluate",
    "free_space",
]
"""All that may ever be done about an incident. A restart begins at the last good checkpoint where
the program can resume, else from the start."""

ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class Observation:
    """One line of a run's log, as far as it could be read. No pydantic: there are millions.

    Args:
        at_s: seconds since the run was first followed, never running backwards.
        text: the line, cleaned and capped: untrusted.
        numbers: name as printed (spaces → "_") → value; NaN and infinities are numbers.
        step: the step, iteration or batch number that the line names.
        epoch: the epoch that it names.
        done: how far a progress bar stands, as (done, of all).
        rate: steps a second, as the program prints it.
        batch: the batch, shard or file that the line names, e.g. "shard-7".
        trouble: what kind of trouble the words of the line tell of.
        saved: the checkpoint that the line says was written.
    """

    at_s: float
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    step: int | None = None
    epoch: float | None = None
    done: tuple[int, int] | None = None
    rate: float | None = None
    batch: str = ""
    trouble: Literal["", "traceback", "error", "out_of_memory", "no_space", "killed"] = ""
    saved: str = ""


class Usage(Model):
    """What a container uses at one moment, by the engine's own count."""

    memory_bytes: int = Field(ge=0, description="without file cache that can be dropped")
    memory_limit_bytes: int = Field(ge=0, description="0: no limit")
    cpu_s: float = Field(ge=0, description="CPU seconds since its start, over all cores")
    disk_bytes: int = Field(default=0, ge=0, description="of its workspace")
    disk_limit_bytes: int = Field(default=0, ge=0, description="0: not known")
    processes: int = Field(default=0, ge=0)
    gpu_memory_bytes: int = Field(default=0, ge=0, description="0 too where there is none")
    gpu_busy: float | None = Field(default=None, ge=0, le=1, description="None: there is none")


class Expectations(Model):
    """What is known of a run before it starts; detectors are made with it."""

    metric: str = Field(default="", description="the name of the number that counts; may be empty")
    direction: Literal["maximize", "minimize"] = "minimize"
    stall_s: float = Field(default=600, gt=0, description="longest silence, in seconds")
    timeout_s: float = Field(default=3600, gt=0)
    memory_mb: int = Field(default=0, ge=0, description="0: no limit")
    disk_mb: int = Field(default=0, ge=0, description="0: no limit")


class Alarm(Model):
    """A detector's answer: something is wrong."""

    kind: IncidentKind
    diagnosis: str = Field(description="one sentence with the numbers that it rests on")
    confidence: float = Field(default=1.0, ge=0, le=1)
    step: int | None = Field(default=None, description="where it was seen")
    since_step: int | None = Field(
        default=None, description="the last step that was surely healthy; None: not known"
    )
    subject: str = Field(
        default="", max_length=200, description="the batch, shard, file or metric: untrusted text"
    )
    lines: tuple[str, ...] = Field(default=(), description="the lines that show it: untrusted")


class Attachment(Model):
    """The watch over a run that labcrew did not start. Its incidents carry its id as ticket."""

    id: str = Field(description="A-001")
    what: str = Field(description="log:PATH, container:NAME, pid:N or tensorboard:FOLDER")
    log: str = Field(default="", description="the log file of a process")
    by: str = Field(description="the person who attached it")
    attached_at: datetime
    stop: str = Field(default="", description="the person's own command that ends the run")
    restart: str = Field(default="", description="the person's own command that starts it again")
    rescues: int = Field(default=2, ge=0, le=20, description="most times that it is started again")
    offers: tuple[str, ...] = Field(
        default=(), description="what the restarted program reads; see docs/supervision.md"
    )
    status: Literal["watching", "ended", "left"] = Field(
        default="watching", description="left: the watch ended before the run"
    )
    restarts: int = Field(default=0, ge=0)
    file: int = Field(default=0, description="inode of the log in which the present run began")
    offset: int = Field(default=0, ge=0, description="bytes of the log before the present run")
    exit_code: int | None = None
    outcome: str = Field(default="", description="how the run or the watch ended, in words")
    ended_at: datetime | None = None
    lines: int = Field(default=0, ge=0)
    unread: int = Field(default=0, ge=0, description="lines whose numbers could not be read")


class Attempt(Model):
    """Something that was done about an incident, and what came of it."""

    action: Action
    trial: str = Field(default="", description="the run that came of it, if any")
    outcome: str = Field(description="in words")


class Choice(Model):
    """One way to go on, for a person.

    Args:
        command: what to type.
        means: what then happens.
    """

    command: str
    means: str


class Escalation(Model):
    """What a person reads who has to decide about an incident."""

    incident: str = Field(description="the incident's id")
    title: str
    found: str = Field(description="what is wrong, in one sentence with its numbers")
    excerpt: tuple[str, ...] = Field(description="lines of the log: untrusted")
    plot: str = Field(default="", description="the metric plot's file among the artefacts")
    sparkline: str = Field(default="", description="the metric's last values, as text")
    metric: str = Field(default="", description="the name of the number in the plot: untrusted")
    attempts: tuple[Attempt, ...] = ()
    options: tuple[Choice, ...] = ()


class Checkpoint(Model):
    """A file, or a folder of files, that a run saved itself in; looked at without loading it."""

    path: str = Field(max_length=2048, description="beneath the run's outputs: untrusted text")
    size_bytes: int = Field(ge=0)
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="of the file, or over a folder's paths and contents"
    )
    kind: str = Field(pattern=r"^[a-z0-9]{1,20}$", description="its format, as torch or numpy")
    loads: bool = Field(description="it is whole, as far as its format tells")
    finite: bool | None = Field(
        description="no number in it is NaN or infinite; None: its numbers were not all looked at"
    )
    step: int | None = Field(default=None, ge=0, description="as it says itself, else its name")
    modified_at: float = Field(ge=0, description="when the run wrote it, in Unix seconds")
    trouble: str = Field(default="", max_length=400, description="what is wrong: untrusted text")
