"""The ticket: what a person assigns. Every field is documented where its type stands: here, and in
budget.py, data_input.py, measuring.py and running.py; docs/ticket.md is made from them.
"""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from labcrew.domain.base import Model, content_hash
from labcrew.domain.budget import MOST_HOURS, Budget
from labcrew.domain.commission import Commission
from labcrew.domain.data_input import DataInput
from labcrew.domain.hosts import Host
from labcrew.domain.measuring import Evaluator, Metric
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.running import Environment, Run, Settings
from labcrew.domain.search_space import Parameter, condition_problems, is_switch
from labcrew.domain.supervision import Supervision
from labcrew.domain.testing import Tests
from labcrew.plain_text import is_plain

_QUERIES, _QUERY_CHARACTERS = 8, 1500
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


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
        default=None,
        gt=0,
        le=MOST_HOURS,
        allow_inf_nan=False,
        description="after this the safe default stands; default: never",
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
        default="outputs",
        description="the folder that a run writes and labcrew keeps; it begins without the files"
        " that the commit has in it",
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
