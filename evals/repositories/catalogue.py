"""The benchmark's repositories and their right answers, written by hand from reading the programs.

An entry belongs to the visible or the unseen half by the hash of its name alone. Rules may be
tuned on the visible half; the unseen half is for measuring.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from labcrew.domain.base import Model
from labcrew.domain.draft import TroubleKind

HERE = Path(__file__).parent
OWN = HERE / "own"

Half = Literal["visible", "unseen"]
Split = Literal["train", "validation", "test", "unknown"]


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return text


Expression = Annotated[str, AfterValidator(_expression)]


class Sdist(Model):
    """Files of a source distribution on the package index."""

    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.+!]*$")
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.(tar\.gz|zip)$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    keep: tuple[str, ...] = Field(
        min_length=1, description="paths below the archive's top folder; a folder with all it holds"
    )
    root: str = Field(default="", description="the kept folder that becomes the repository's root")


class Answers(Model):
    """What is right for a repository and a sentence."""

    command: tuple[Expression, ...] = Field(
        min_length=1, description="one of them must be found in the command line"
    )
    metric: tuple[str, ...] = Field(
        min_length=1, description="acceptable names; upper case and punctuation don't count"
    )
    direction: Literal["maximize", "minimize"]
    split: tuple[Split, ...] = Field(min_length=1)
    packages: tuple[str, ...] = Field(description="that must be installed; none: plain programs")
    files: tuple[str, ...] = Field(
        default=(), description="files of the repository that name the packages; one is enough"
    )
    parameters: tuple[tuple[str, ...], ...] = Field(
        min_length=2, description="that matter, each with its acceptable names or addresses"
    )
    parameters_needed: int = Field(
        default=2, ge=1, description="how many of them a search space must hold"
    )


class Entry(Model):
    """One repository of the benchmark and what a person wants of it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    own: str = Field(default="", description="a folder of own/; empty: taken from an sdist")
    sdist: Sdist | None = None
    sentence: str = Field(min_length=8)
    end: str = Field(description="gain possible, no gain, or refusal:<kind> with | between kinds")
    answers: Answers | None = Field(default=None, description="none where a refusal is right")

    @property
    def half(self) -> Half:
        """By the hash of the name alone."""
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return "visible" if int(digest, 16) % 2 == 0 else "unseen"

    @property
    def real(self) -> bool:
        """Whether it is a program that wasn't written for the benchmark."""
        return self.sdist is not None

    @property
    def refusals(self) -> tuple[TroubleKind, ...]:
        """The kinds of trouble of which one is the right end; empty where a ticket is."""
        _, _, kinds = self.end.partition(":")
        return tuple(kind for kind in get_args(TroubleKind) if kind in kinds.split("|"))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.own) == (self.sdist is not None):
            raise ValueError(f"{self.name}: name either a folder of our own or an sdist")
        if self.own and not (OWN / self.own).is_dir():
            raise ValueError(f"{self.name}: no folder own/{self.own}")
        kinds = self.end.removeprefix("refusal:").split("|") if ":" in self.end else []
        if kinds:
            if not self.end.startswith("refusal:") or len(self.refusals) != len(set(kinds)):
                raise ValueError(f"{self.name}: unknown end {self.end!r}")
        elif self.end not in {"gain possible", "no gain"}:
            raise ValueError(f"{self.name}: unknown end {self.end!r}")
        if (self.answers is None) != bool(kinds):
            raise ValueError(f"{self.name}: answers stand exactly where a ticket is right")
        return self


class Catalogue(Model):
    """All entries, in the order of their file."""

    entries: tuple[Entry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [entry.name for entry in self.entries]
        if doubles := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names stand twice: {', '.join(doubles)}")
        return self

    def half(self, half: Half) -> tuple[Entry, ...]:
        """The entries of one half."""
        return tuple(entry for entry in self.entries if entry.half == half)


def catalogue(path: Path = HERE / "catalogue.toml") -> Catalogue:
    """Reads the catalogue: one table an entry, named by the entry.

    Args:
        path: the TOML file.

    Raises:
        pydantic.ValidationError: where an entry is incomplete.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return Catalogue.model_validate(
        {"entries": [{"name": name, **table} for name, table in tables.items()]}
    )
