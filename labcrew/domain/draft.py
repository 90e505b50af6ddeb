"""The draft of a ticket: what was tried, what was seen, what is guessed, what is asked."""

from typing import Any, Literal

from pydantic import Field, JsonValue

from labcrew.domain.base import Model
from labcrew.domain.commission import Commission
from labcrew.domain.running import Environment, Run, Settings
from labcrew.domain.sandbox import OutputFile
from labcrew.domain.search_space import Values
from labcrew.domain.survey import Place
from labcrew.domain.ticket import Ticket


class Option(Model):
    """One possible answer to a question about a repository."""

    label: str = Field(max_length=300, description="as a person reads it")
    value: JsonValue
    score: float = Field(description="the rule's; only the order and the distances count")
    because: str = Field(max_length=600)
    evidence: tuple[Place, ...] = ()


class Options(Model):
    """A question with its possible answers, the rule's best first."""

    field: str = Field(description="of the ticket, dotted, e.g. metric.direction")
    question: str = Field(description="one sentence for a person")
    options: tuple[Option, ...]
    sentence: str = Field(default="", description="what the person wants, in their words")


class Chosen(Model):
    """The answer."""

    index: int = Field(ge=0)
    confidence: float = Field(ge=0, le=1, description="the chance that it is right")
    because: str = Field(max_length=600)


class Guess(Model):
    """One field of a draft: its value, how sure it is, and why."""

    field: str
    value: JsonValue
    confidence: float = Field(ge=0, le=1)
    because: str
    evidence: tuple[Place, ...] = ()
    others: tuple[Option, ...] = Field(default=(), description="the next best answers")
    by: str = Field(default="rule", description="rule, model:<name> or person:<name>")


TroubleKind = Literal[
    "missing_module",
    "missing_library",
    "missing_program",
    "missing_file",
    "download",
    "accelerator",
    "secret",
    "arguments",
    "asks",
    "memory",
    "time",
    "version",
    "no_number",
    "storage",
    "crash",
]


class Trouble(Model):
    """Why an install or a first run did not do what it should."""

    kind: TroubleKind
    what: str = Field(max_length=300, description="the module, file, host, variable or option")
    message: str = Field(max_length=2000, description="what happened, in words for a person")
    supply: str = Field(default="", max_length=600, description="what a person can supply")
    evidence: tuple[Place, ...] = ()


class InstallTry(Model):
    """One attempt at an environment."""

    number: int = Field(ge=0)
    environment: Environment
    because: str = Field(description="where it comes from, or what was changed and why")
    variables: dict[str, str] = Field(
        default_factory=dict, description="what runs need set, e.g. PYTHONPATH"
    )
    image: str = Field(default="", description="empty: it failed")
    seconds: float = 0.0
    trouble: Trouble | None = None
    log: str = Field(default="", max_length=8000, description="the installer's last lines")


class Candidate(Model):
    """A way to run the repository's program as a trial."""

    entry: str = Field(description="path of the entry point")
    run: Run
    settings: Settings = Field(description="how parameters would reach it")
    outputs: str = Field(default="outputs", description="the folder it writes")
    short: Values = Field(
        default_factory=dict, description="parameters that make it end sooner, for a first run"
    )
    score: float = 0.0
    because: str = Field(max_length=600)
    evidence: tuple[Place, ...] = ()


class SeenLine(Model):
    """A line of output and when it came."""

    at_s: float = Field(description="seconds since the start, by the host's clock")
    text: str = Field(max_length=4000)


class Series(Model):
    """A number that a run showed, once or again and again."""

    name: str
    values: tuple[float, ...] = Field(description="oldest first; thinned to 200, the last kept")
    count: int
    split: Literal["train", "validation", "test", "unknown"] = "unknown"
    file: str = Field(default="", description="the JSON-lines file it stands in; empty: the output")
    pattern: str = Field(default="", description="reads its last value from the output")
    computed: tuple[str, ...] = Field(
        default=(),
        description="columns of right answers and of predictions in the file that it is computed"
        " from; empty: the run itself shows it",
    )
    evidence: tuple[Place, ...] = ()


class FirstRun(Model):
    """A short run of a candidate, and what was seen of it."""

    id: str
    command: str = Field(description="the shell line as it ran")
    values: Values = Field(default_factory=dict)
    seed: int = 0
    image: str
    exit_code: int | None = None
    timed_out: bool = False
    out_of_memory: bool = False
    duration_s: float = 0.0
    first_line_s: float = 0.0
    memory_mb: float | None = Field(default=None, description="the most that was seen")
    lines: int = 0
    tail: tuple[SeenLine, ...] = Field(default=(), description="the last lines, at most 200")
    series: tuple[Series, ...] = ()
    files: tuple[OutputFile, ...] = Field(
        default=(), description="what it wrote or changed in the workspace, at most 500"
    )
    step_s: float | None = Field(default=None, description="median seconds between two steps")
    trouble: Trouble | None = None


class Noise(Model):
    """How repeatable a program's metric is."""

    metric: str
    same_seed: tuple[float, ...] = Field(description="two runs with one seed")
    other_seeds: tuple[float, ...] = Field(description="runs with other seeds")
    deterministic: bool
    seeds_matter: bool
    std: float = Field(ge=0, description="over seeds, or over repeats where seeds do nothing")
    run_s: float = Field(description="median wall-clock seconds a whole run")
    longest_s: float = Field(default=0.0, description="the most that one took; 0: not known")
    whole: bool = Field(default=True, description="what is compared were whole runs, not shortened")


class Knowledge(Model):
    """What was learnt of a repository; lapses where one of the files it rests on changed."""

    id: str = Field(description="hash of the repository's root commit and the entry point")
    draft: str
    repository: str
    commit: str
    files: dict[str, str] = Field(description="path → content hash of what it rests on")
    environment: InstallTry
    candidate: Candidate
    noise: Noise | None = None
    learnt_at: str = Field(description="ISO 8601, UTC")


DraftStatus = Literal["drafting", "asking", "written", "failed"]


class Draft(Commission):
    """The ledger's record of a ticket in the making. What was done for it stands in effects."""

    sentence: str = Field(description="what the person wants, in their words")
    asked_by: str
    asked_at: str = Field(description="ISO 8601, UTC")
    snapshot_of: str = Field(
        default="",
        description="the person's commit that a snapshot was taken over; empty: none",
    )
    assume_yes: bool = Field(default=False, description="take the best guesses, ask nothing")
    trials: int | None = Field(default=None, description="a budget that the person set")
    hours: float | None = None
    answers: dict[str, Any] = Field(
        default_factory=dict, description="field → what the person answered"
    )
    status: DraftStatus = "drafting"
    guesses: tuple[Guess, ...] = ()
    questions: tuple[Options, ...] = Field(default=(), description="the most unsure first")
    account: tuple[str, ...] = Field(
        default=(), description="how it came about: installs, runs, what was left out and why"
    )
    ticket: Ticket | None = None
    trouble: Trouble | None = None
