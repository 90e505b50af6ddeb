"""How a ticket's program is run: its command, its settings and its software."""

from pathlib import PurePosixPath
from typing import Literal, Self

from pydantic import Field, model_validator

from labcrew.domain.base import Model
from labcrew.domain.budget import MOST_SECONDS
from labcrew.domain.repository_path import RepositoryPath


class Run(Model):
    """How the repository's program is run."""

    command: str = Field(
        min_length=1,
        description="run by `sh -c` in a copy of the repository; may use {seed}, {outputs},"
        " {settings} (the arguments that a trial sets), {resume} (supervision.resume, where a run"
        " starts from a checkpoint)",
    )
    timeout_s: float = Field(default=3600, gt=0, le=MOST_SECONDS, description="seconds a trial")
    stall_s: float = Field(
        default=600,
        gt=0,
        le=MOST_SECONDS,
        description="seconds without a line of output that count as a stall",
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
