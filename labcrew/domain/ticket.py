"""The ticket: what a person assigns. Every field is documented here and nowhere else."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from labcrew.domain.base import Model, content_hash
from labcrew.domain.commission import Commission
from labcrew.domain.hosts import Host
from labcrew.domain.repository_path import RepositoryPath, relative
from labcrew.domain.search_space import Parameter, condition_problems, is_switch
from labcrew.domain.supervision import Supervision
from labcrew.domain.testing import Tests
from labcrew.plain_text import is_plain

_QUERIES, _QUERY_CHARACTERS = 8, 1500
_EVALUATOR_CHARACTERS = 200_000
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def _one_group(pattern: str | None) -> str | None:
    if pattern is not None:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"pattern is not a regular expression: {error}") from None
        if groups != 1:
            raise ValueError(f"pattern needs exactly one group (…), it has {groups}")
    return pattern


NumberPattern = Annotated[str | None, AfterValidator(_one_group)]


class ReportedNumber(Model):
    """A number that a run shows of itself: where it stands."""

    name: str = Field(min_length=1, max_length=80, description="as the program calls it")
    file: RepositoryPath | None = Field(
        default=None, description="a JSON-lines, JSON, CSV or TSV file beneath the outputs folder"
    )
    pattern: NumberPattern = Field(
        default=None, description="a regular expression over the output with one group"
    )

    @model_validator(mode="after")
    def _stands_somewhere(self) -> Self:
        if self.file is None and self.pattern is None:
            raise ValueError("a reported number needs a file or a pattern to be read from")
        return self


class Metric(Model):
    """The number that says whether a trial is good."""

    name: str = Field(
        min_length=1, max_length=80, description="as the evaluator or the program calls it"
    )
    direction: Literal["maximize", "minimize"]
    target: float | None = Field(
        default=None, description="the search may stop when the validation value reaches it"
    )
    file: RepositoryPath | None = Field(
        default=None,
        description="without an evaluator: a JSON-lines, JSON, CSV or TSV file beneath the outputs"
        " folder; the last line or row that has the metric counts",
    )
    pattern: NumberPattern = Field(
        default=None,
        description="without an evaluator: a regular expression over the program's output with"
        r" one group for the number, e.g. 'val_loss[=: ]+([-+.\deE]+)'; the last match counts",
    )
    holdout: ReportedNumber | None = Field(
        default=None,
        description="without an evaluator: the same metric as the program reports it on data that"
        " nothing was chosen by; read for the merge request alone, from the baseline's and the"
        " winner's runs",
    )

    def better(self, a: float, b: float) -> bool:
        """Whether `a` is strictly better than `b`."""
        return a > b if self.direction == "maximize" else a < b

    def gain(self, new: float, old: float) -> float:
        """How much better `new` is than `old`, positive when better."""
        return new - old if self.direction == "maximize" else old - new


class Run(Model):
    """How the repository's program is run."""

    command: str = Field(
        min_length=1,
        description="run by `sh -c` in a copy of the repository; may use {seed}, {outputs},"
        " {settings} (the arguments that a trial sets), {resume} (supervision.resume, where a run"
        " starts from a checkpoint)",
    )
    timeout_s: float = Field(default=3600, gt=0, le=30 * 86400, description="seconds a trial")
    stall_s: float = Field(
        default=600, gt=0, description="seconds without a line of output that count as a stall"
    )
    smoke: str | None = Field(
        default=None, description="a shorter command for the smoke test; default: command"
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="environment variables of every run"
    )


SUFFIXES: dict[str, tuple[str, ...]] = {
    "file": (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".env"),
    "source": (".py", ".ipynb"),
}
"""The files that a style of settings can edit."""


class Settings(Model):
    """How a trial's parameters reach the program, and where the best ones are written down."""

    style: Literal["arguments", "environment", "file", "source"] = "arguments"
    argument: str = Field(
        default="--{name} {value}",
        description="style arguments: how one parameter is spelt; {name} has '_' turned to '-'"
        " if `dashes` is true",
    )
    dashes: bool = Field(default=True, description="style arguments: learning_rate → learning-rate")
    prefix: str = Field(default="", description="style environment: put before the upper-case name")
    file: RepositoryPath | None = Field(
        default=None,
        description="style file: the .yaml, .yml, .json, .toml, .ini, .cfg or .env file that is"
        " edited; a parameter named a.b is key b of table a. Style source: the .py or"
        " .ipynb file whose literals are edited; a parameter named a.b is the b that belongs to the"
        " function, class, dictionary or call a, a.b/2 the second such. Other styles: a Python"
        " file whose argparse defaults are set to the best settings in the merge request",
    )
    flags: dict[str, str] = Field(
        default_factory=dict,
        description="style arguments: parameter → the words that stand for true, for options that"
        " take no value; for false there is nothing, or what follows a bar: '--bn|--no-bn'",
    )
    seeds: tuple[str, ...] = Field(
        default=(),
        description="styles file and source: keys or literals that a run's seed is written to",
    )

    @model_validator(mode="after")
    def _file_is_needed(self) -> Self:
        suffixes = SUFFIXES.get(self.style)
        if suffixes is None:
            return self
        kinds = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        if self.file is None:
            raise ValueError(f"style: {self.style} needs file: the path of a {kinds} file")
        suffix = PurePosixPath("_" + PurePosixPath(self.file).name).suffix
        if suffix not in suffixes:
            raise ValueError(f"file must end in {kinds}, not {suffix or self.file!r}")
        return self


class Evaluator(Model):
    """The judge: a command of the base commit, run in a container of its own on raw outputs."""

    command: str = Field(
        min_length=1,
        description="run by `sh -c` in a copy of the base commit; must use {outputs} and {split};"
        " its last output line is a JSON object that holds the metric",
    )
    private: tuple[RepositoryPath, ...] = Field(
        default=(),
        description="paths that no trial sees: the evaluator itself, held-out answers",
    )
    timeout_s: float = Field(default=600, gt=0)
    files: dict[RepositoryPath, str] = Field(
        default_factory=dict,
        description="path → text of files that are laid over the base commit for the evaluator"
        " alone, where the repository has no evaluator; shown at the plan gate",
    )

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        for name in ("outputs", "split"):
            if f"{{{name}}}" not in self.command:
                raise ValueError(f"command must contain {{{name}}}")
        return self

    @model_validator(mode="after")
    def _plain_files(self) -> Self:
        for path in self.files:
            if ".git" in PurePosixPath(path).parts or path == "." or not is_plain(path):
                raise ValueError(f"files: {path!r} is no path for a file of the evaluator")
            if any(other.startswith(f"{path}/") for other in self.files):
                raise ValueError(f"files: {path!r} is both a file and a folder")
        if sum(len(text) for text in self.files.values()) > _EVALUATOR_CHARACTERS:
            raise ValueError(f"files hold more than {_EVALUATOR_CHARACTERS} characters")
        return self


class DataInput(Model):
    """One data file the work rests on; never changed."""

    path: str = Field(
        min_length=1,
        description="inside the repository, or absolute on this machine: then a run finds it,"
        " read-only, where the variable LABCREW_DATA_0 (1, 2 … by its place in this list) says",
    )
    split: Literal["train", "validation", "holdout", "other"] = "other"
    label: str | None = Field(default=None, description="the column to predict")
    features: tuple[str, ...] | None = Field(
        default=None, description="columns that describe a row; default: all but label and id"
    )
    id: str | None = Field(default=None, description="a column that names the row")
    private: bool = Field(default=False, description="only the evaluator sees it")

    @property
    def external(self) -> bool:
        return self.path.startswith("/")

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.external:
            relative(self.path)
        elif "\0" in self.path or ".." in PurePosixPath(self.path).parts:
            raise ValueError(f"{self.path!r} must not contain '..'")
        return self


class Environment(Model):
    """The software a run needs. Without any field it is found in the repository."""

    requirements: RepositoryPath | None = Field(
        default=None, description="a pip requirements or lock file, or a pyproject.toml"
    )
    packages: tuple[str, ...] = Field(default=(), description="pip requirements, beside the file's")
    dockerfile: RepositoryPath | None = Field(
        default=None, description="built only after the plan gate said so"
    )
    image: str | None = Field(default=None, description="an image the engine already has")
    alone: bool = Field(
        default=False, description="packages are all there is: no file of the repository is found"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = [n for n in ("requirements", "dockerfile", "image") if getattr(self, n)]
        if len(named) > 1:
            raise ValueError(
                f"name one of requirements, dockerfile, image, not {' and '.join(named)}"
            )
        return self


class Budget(Model):
    """What the crew may spend before it must ask a person."""

    trials: int = Field(
        default=20, ge=1, le=100_000, description="runs of the command, seeds and restarts counted"
    )
    hours: float = Field(default=8, gt=0, description="wall-clock hours of work, gates not counted")
    parallel: int = Field(default=2, ge=1, le=256, description="runs at once")
    cpus: float = Field(default=1, gt=0, description="cores a run")
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
    usd_per_hour: float = Field(default=0, ge=0, description="price of one running trial")
    model_tokens: int = Field(
        default=2_000_000, ge=0, description="tokens that chat models may use, prompts counted"
    )
    model_usd: float | None = Field(
        default=None,
        ge=0,
        description="money for chat models, by the settings' prices; default:"
        " no bound but model_tokens",
    )
    steps: int = Field(
        default=60,
        ge=1,
        le=10_000,
        description="answers of a model that writes code may act on, a revision",
    )


class Literature(Model):
    """What to read before planning."""

    library: RepositoryPath | None = Field(
        default=None, description="a folder of .pdf, .bib and .md files in the repository"
    )
    queries: tuple[str, ...] = Field(default=(), description="default: the title and question")
    online: bool = Field(
        default=True, description="also ask arXiv and OpenAlex; unreachable is noted, never fatal"
    )


class Gates(Model):
    """When an unanswered gate decides itself, and how."""

    expire_hours: float | None = Field(
        default=None, gt=0, description="after this the safe default stands; default: never"
    )


class Doubt(Model):
    """A field that was guessed and that no person has confirmed."""

    field: str = Field(min_length=1, max_length=120, description="dotted, e.g. metric.direction")
    confidence: float = Field(ge=0, le=1)
    because: str = Field(max_length=600)


TESTS_ALONE = Metric(name="tests passed", direction="maximize", pattern="^(passed)$")
"""Stands for the metric of a ticket of kind implement or fix that names none."""


class Ticket(Model):
    """A research ticket: Markdown, these fields as YAML front matter, the question below."""

    title: str = Field(min_length=1, max_length=200, description="one line, for people")
    question: str = Field(
        default="", max_length=200_000, description="the text below the front matter"
    )
    kind: Literal["search", "implement", "fix"] = Field(
        default="search",
        description="search: find better settings and cleaner data; implement and fix need a"
        " chat model",
    )
    repository: str = Field(
        min_length=1, description="path of a git repository; relative to the ticket's file"
    )
    commit: str = Field(default="HEAD", min_length=1, description="where the work starts")
    snapshot: bool = Field(
        default=False, description="start from the uncommitted files too, as they are now"
    )
    branch: str | None = Field(
        default=None, description="what a merge fast-forwards; default: the branch checked out"
    )
    metric: Metric
    run: Run
    settings: Settings = Settings()
    search_space: dict[str, Parameter] = Field(default_factory=dict, description="name → parameter")
    seeds: tuple[int, ...] = Field(
        default=(0, 1, 2),
        min_length=1,
        max_length=50,
        description="seeds of the baseline and the finalists; other trials use the first",
    )
    holdout_seeds: tuple[int, ...] = Field(
        default=(),
        max_length=50,
        description="seeds of the last runs, of the program as it is and of the winner: nothing is"
        " chosen by them, so their gain is free of lucky seeds; for programs that report one"
        " number alone",
    )
    evaluator: Evaluator | None = None
    tests: Tests | None = Field(
        default=None, description="kinds implement and fix: what judges the code"
    )
    data: tuple[DataInput, ...] = ()
    environment: Environment = Environment()
    literature: Literature = Literature()
    supervision: Supervision = Supervision()
    budget: Budget = Budget()
    gates: Gates = Gates()
    editable: tuple[RepositoryPath, ...] = Field(
        default=(), description="paths the merge request may change"
    )
    hosts: tuple[Host, ...] = Field(
        default=(),
        max_length=50,
        description="network hosts that trials may reach, after the plan gate, as"
        " data.example.org, *.example.org or data.example.org:8443; 443 where no port is named."
        " The smoke test and the evaluator reach none",
    )
    outputs: RepositoryPath = Field(
        default="outputs", description="the folder that a run writes and labcrew keeps"
    )
    doubts: tuple[Doubt, ...] = Field(
        default=(),
        max_length=50,
        description="what was guessed when the ticket was drafted; the merge request says so",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_a_metric(cls, given: object) -> object:
        """Code that is judged by its tests alone needs no metric and nothing that is run for it."""
        if not isinstance(given, dict) or given.get("kind", "search") == "search":
            return given
        if "metric" in given or "run" in given:
            return given
        return {"metric": TESTS_ALONE.model_dump(), "run": {"command": "true"}} | given

    @property
    def measured(self) -> bool:
        """Whether trials are run for a metric; else the tests alone judge."""
        return self.metric != TESTS_ALONE

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if not is_plain(self.title):
            raise ValueError("title holds a control, invisible or text-direction character")
        if self.repository.startswith("-") or "\0" in self.repository:
            raise ValueError(f"repository {self.repository!r} is not a path")
        if self.commit.startswith("-") or (self.branch or "").startswith("-"):
            raise ValueError("commit and branch must not start with '-'")
        for where, text, allowed in (
            ("run.command", self.run.command, {"seed", "outputs", "settings", "resume"}),
            ("run.smoke", self.run.smoke or "", {"seed", "outputs", "settings"}),
            (
                "evaluator.command",
                self.evaluator.command if self.evaluator else "",
                {"outputs", "split"},
            ),
        ):
            unknown = set(_PLACEHOLDER.findall(text)) - allowed
            if unknown:
                raise ValueError(
                    f"{where} uses {{{sorted(unknown)[0]}}}; known are"
                    f" {', '.join('{' + name + '}' for name in sorted(allowed))}"
                )
        if self.supervision.resume and "{resume}" not in self.run.command:
            raise ValueError("run.command must contain {resume} where supervision.resume is set")
        for trouble in condition_problems(self.search_space):
            raise ValueError(trouble)
        for name in self.settings.flags:
            flag = self.search_space.get(name)
            if flag is not None and not is_switch(flag):
                raise ValueError(
                    f"settings.flags: {name} must be a choice of true and false in the search_space"
                )
        if self.kind == "search" and not self.search_space:
            raise ValueError("kind: search needs a search_space with at least one parameter")
        if self.kind == "search" and self.tests is not None:
            raise ValueError("tests are for tickets of kind implement and fix")
        if (
            self.search_space
            and self.settings.style == "arguments"
            and "{settings}" not in self.run.command
        ):
            raise ValueError(
                "run.command must contain {settings} where settings.style is arguments"
            )
        if self.supervision.resume and "{resume}" not in self.run.command:
            raise ValueError("run.command must contain {resume} where supervision.resume is given")
        if self.evaluator is None and self.metric.file is None and self.metric.pattern is None:
            raise ValueError(
                "without an evaluator, metric needs a file or a pattern to be read from"
            )
        if self.evaluator is not None and self.metric.holdout is not None:
            raise ValueError("metric.holdout is for tickets without an evaluator")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds holds the same seed twice")
        if len({*self.seeds, *self.holdout_seeds}) != len(self.seeds) + len(self.holdout_seeds):
            raise ValueError("holdout_seeds must be fresh: none twice, and none of seeds")
        by_path: dict[str, str] = {}
        for item in self.data:
            if by_path.setdefault(item.path, item.split) != item.split:
                raise ValueError(
                    f"splits overlap: {item.path} is both {by_path[item.path]} and {item.split}"
                )
        if len(by_path) != len(self.data):
            raise ValueError("data names the same path twice")
        fresh = 2 * len(self.holdout_seeds)
        minimum = len(self.seeds) + 1 + fresh
        if self.kind == "search" and self.budget.trials < minimum:
            last = f" and two runs with each of {len(self.holdout_seeds)} holdout_seeds"
            raise ValueError(
                f"budget.trials is {self.budget.trials}, but the baseline's {len(self.seeds)} seeds"
                f"{',' if fresh else ' and'} one trial{last if fresh else ''} need {minimum}"
            )
        return self

    def data_for(self, split: str) -> DataInput | None:
        """The first data file of a split, if any."""
        return next((item for item in self.data if item.split == split), None)

    def queries(self) -> tuple[str, ...]:
        """What literature is looked for with: the ticket's queries, else its title and question."""
        texts = self.literature.queries or (self.title, self.question)
        cut = (" ".join(text.split())[:_QUERY_CHARACTERS] for text in texts)
        return tuple(dict.fromkeys(text for text in cut if text))[:_QUERIES] or (self.title,)

    def content_hash(self) -> str:
        """What an approval of this ticket binds to."""
        return content_hash(self)


TicketStatus = Literal["assigned", "running", "waiting", "paused", "stopped", "done", "failed"]


class AssignedTicket(Commission):
    """A ticket that has been taken: the ledger's record of it."""

    ticket: Ticket
    source: str = Field(description="the file it came from, or who sent it")
    assigned_by: str
    assigned_at: str = Field(description="ISO 8601, UTC")
    target_branch: str | None = Field(description="None: detached, no branch to merge to")
    status: TicketStatus = "assigned"
    outcome: str = Field(default="", description="one line on how it ended, or what it waits for")
    budget: Budget = Field(description="as assigned, or as a person changed it since")
    revision: int = Field(default=0, ge=0, description="how often comments were turned into work")
    warnings: tuple[str, ...] = ()
