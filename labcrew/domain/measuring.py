"""What says whether a trial is good: a ticket's metric, and the evaluator that reads outputs."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from labcrew.domain.base import Model
from labcrew.domain.budget import MOST_SECONDS
from labcrew.domain.repository_path import RepositoryPath
from labcrew.plain_text import is_plain

_EVALUATOR_CHARACTERS = 200_000


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
        " folder; the last line or row that has the metric counts, null as NaN: no value",
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
    timeout_s: float = Field(
        default=600, gt=0, le=MOST_SECONDS, description="seconds for the outputs of one trial"
    )
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
