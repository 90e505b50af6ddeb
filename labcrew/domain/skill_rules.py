"""The closed vocabulary of checkable rules of skills."""

from collections.abc import Iterable
from typing import Annotated, Literal

import regex
from pydantic import AfterValidator, Field, model_validator

from labcrew.domain.base import Model

_EVERYWHERE = ("**",)


def _pattern(text: str) -> str:
    try:
        regex.compile(text)
    except regex.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


Pattern = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_pattern)]
Globs = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(max_length=100)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$", max_length=200)]


class RuleBase(Model):
    must: bool = Field(default=False, description="broken, the work is not ready")

    def in_words(self) -> str:
        """The rule as people read it."""
        raise NotImplementedError


class ForbidText(RuleBase):
    """Lines that a change adds may not match."""

    type: Literal["forbid_text"] = "forbid_text"
    pattern: Pattern
    paths: Globs = _EVERYWHERE

    def in_words(self) -> str:
        return f"no added line matches {self.pattern!r}{_within(self.paths)}"


class RequireText(RuleBase):
    """Each changed file must hold a match."""

    type: Literal["require_text"] = "require_text"
    pattern: Pattern
    paths: Globs = _EVERYWHERE

    def in_words(self) -> str:
        return f"each changed file holds {self.pattern!r}{_within(self.paths)}"


class MaxFileLines(RuleBase):
    """A changed file may have this many lines; one that was longer may not grow."""

    type: Literal["max_file_lines"] = "max_file_lines"
    lines: int = Field(ge=1)
    paths: Globs = _EVERYWHERE

    def in_words(self) -> str:
        return f"at most {self.lines} lines a file{_within(self.paths)}"


class ForbidPaths(RuleBase):
    """Files that no change may touch."""

    type: Literal["forbid_paths"] = "forbid_paths"
    paths: Globs = Field(min_length=1)

    def in_words(self) -> str:
        return f"no change to {_list(self.paths)}"


class RequireTest(RuleBase):
    """A change of code needs a new or changed test beside it."""

    type: Literal["require_test_for_change"] = "require_test_for_change"
    paths: Globs = ("**/*.py",)
    tests: Globs = ("tests/**", "test/**", "**/test_*.py", "**/*_test.py")

    def in_words(self) -> str:
        return f"a change{_within(self.paths)} comes with a test in {_list(self.tests)}"


class CommitMessage(RuleBase):
    """What the first line of the commit's message must match in full."""

    type: Literal["commit_message"] = "commit_message"
    pattern: Pattern

    def in_words(self) -> str:
        return f"the commit's first line is {self.pattern!r}"


class ForbidImport(RuleBase):
    """Modules that added lines of Python may not import, with all beneath them."""

    type: Literal["forbid_import"] = "forbid_import"
    modules: tuple[Name, ...] = Field(min_length=1, max_length=100)
    paths: Globs = ("**/*.py",)

    def in_words(self) -> str:
        return f"no import of {_list(self.modules)}{_within(self.paths)}"


class RequireArgument(RuleBase):
    """Calls in added lines of Python that must name an argument, e.g. a seed."""

    type: Literal["require_seed_argument"] = "require_seed_argument"
    calls: tuple[Name, ...] = Field(min_length=1, max_length=100)
    argument: Name = "random_state"
    paths: Globs = ("**/*.py",)

    def in_words(self) -> str:
        return f"calls of {_list(self.calls)} name {self.argument}={_within(self.paths)}"


class MetricOverSeeds(RuleBase):
    """How many seeds a reported figure must rest on."""

    type: Literal["metric_over_seeds"] = "metric_over_seeds"
    seeds: int = Field(ge=1)
    metric: str = Field(default="", description="that it is for; empty: each")

    def in_words(self) -> str:
        return f"{self.metric or 'the metric'} is reported over {self.seeds} seeds or more"


class BudgetAtMost(RuleBase):
    """The most that a ticket's budget may hold."""

    type: Literal["budget_at_most"] = "budget_at_most"
    trials: int | None = Field(default=None, ge=1)
    hours: float | None = Field(default=None, gt=0)
    parallel: int | None = Field(default=None, ge=1)
    gpus: int | None = Field(default=None, ge=0)
    model_tokens: int | None = Field(default=None, ge=0)
    model_usd: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _names_one(self) -> "BudgetAtMost":
        if not self.most:
            raise ValueError("name at least one of trials, hours, parallel, gpus, model_tokens,"
                             " model_usd")  # fmt: skip
        return self

    @property
    def most(self) -> dict[str, float]:
        """Field of a budget → the most it may be."""
        values = self.model_dump(exclude={"type", "must"})
        return {name: value for name, value in values.items() if value is not None}

    def in_words(self) -> str:
        return f"a budget of at most {', '.join(f'{v:g} {k}' for k, v in self.most.items())}"


Rule = Annotated[
    ForbidText
    | RequireText
    | MaxFileLines
    | ForbidPaths
    | RequireTest
    | CommitMessage
    | ForbidImport
    | RequireArgument
    | MetricOverSeeds
    | BudgetAtMost,
    Field(discriminator="type"),
]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _within(paths: tuple[str, ...]) -> str:
    return "" if paths == _EVERYWHERE else f" in {_list(paths)}"
