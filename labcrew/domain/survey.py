"""What reading a repository shows, before anything of it is run: data, and untrusted."""

from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.search_space import Value

Mechanism = Literal[
    "argparse",
    "argv",
    "click",
    "typer",
    "absl",
    "fire",
    "hydra",
    "gin",
    "dataclass",
    "pydantic",
    "file",
    "environment",
    "shell",
    "make",
    "papermill",
    "constant",
    "keyword",
    "help",
]
"""How a setting reaches a program. "file": a key of a configuration file; "constant": a name that
is assigned a literal; "keyword": a literal argument of a call; "help": read from --help's text;
"argv": taken by its place in sys.argv."""


class Place(Model):
    """Where something was seen."""

    path: str = Field(description="inside the repository; empty: a line of output")
    line: int = Field(default=0, ge=0, description="from 1; 0: the file as a whole")
    text: str = Field(default="", max_length=300, description="the line, cleaned and cut")

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.path and self.line else self.path or self.text


class Setting(Model):
    """One value that a program lets people change, or that stands as a literal in its code."""

    name: str = Field(
        description="unique in its program: an option without dashes, a dotted key, or the address"
        " of a literal (sandboxes/image/inside/source_literals.py)"
    )
    mechanism: Mechanism
    type: Literal["float", "int", "bool", "text", "list", "unknown"]
    default: Value | None = None
    choices: tuple[Value, ...] = ()
    required: bool = False
    flag: bool = Field(default=False, description="present or absent, without a value")
    negation: str = Field(default="", description="the option that turns a flag off, e.g. --no-x")
    spelling: str = Field(
        default="",
        description="as given, e.g. --learning-rate, or LR= where the value adjoins it; empty: a"
        " key, a literal or a positional argument",
    )
    position: int = Field(
        default=0, ge=0, description="of a positional argument, from 1; 0: it is no such"
    )
    help: str = Field(default="", max_length=300)
    owner: str = Field(
        default="", description="the class, function or section it belongs to, e.g. MLPClassifier"
    )
    place: Place


TraitKind = Literal[
    "reads",
    "writes",
    "checkpoints",
    "resumes",
    "logs",
    "prints",
    "predictions",
    "downloads",
    "seeds",
    "accelerator",
    "secret",
    "asks",
    "shows",
    "serves",
]
"""asks: waits for input(); shows: opens a window; serves: runs until it is stopped;
prints: a literal of a print or log call that looks like a metric's."""


class Trait(Model):
    """Something a program does, as its syntax tree shows it."""

    kind: TraitKind
    what: str = Field(
        max_length=300, description="the path, name, address or variable that it concerns"
    )
    place: Place


class Stated(Model):
    """A command that README, docs, CI, a Makefile or a script states."""

    command: str = Field(max_length=1000, description="one shell line, prompts taken off")
    place: Place
    entry: str = Field(default="", description="path of the entry point that it runs, if known")


EntryKind = Literal["script", "module", "notebook", "shell", "make", "console_script", "program"]


class EntryPoint(Model):
    """A thing that can be run."""

    path: str = Field(description="its file")
    kind: EntryKind
    command: str = Field(description="from the repository's root, without settings")
    settings: tuple[Setting, ...] = ()
    traits: tuple[Trait, ...] = ()
    stated: tuple[Stated, ...] = ()
    configs: tuple[str, ...] = Field(default=(), description="paths of the settings files it reads")
    imports: tuple[str, ...] = Field(
        default=(), description="top-level modules from elsewhere, its own modules' included"
    )
    rests_on: tuple[str, ...] = Field(
        default=(), description="paths of the repository's modules that it imports"
    )
    summary: str = Field(default="", max_length=600, description="its docstring's beginning")


EnvironmentKind = Literal[
    "requirements", "pyproject", "lock", "setup", "pipfile", "conda", "dockerfile", "system"
]


class Requirement(Model):
    """One line that asks for a package."""

    text: str = Field(max_length=300, description="a pip requirement, or a system package's name")
    kind: EnvironmentKind
    group: str = Field(default="", description="an extra or dependency group; empty: always")
    place: Place


class EnvironmentFile(Model):
    """A file that says what software the repository needs."""

    path: str
    kind: EnvironmentKind
    python: str = Field(default="", description="the versions it asks for, as PEP 440 spells them")


class DataFile(Model):
    """A file that looks like data."""

    path: str
    size_bytes: int
    columns: tuple[str, ...] = Field(default=(), description="a table's header")


class Unread(Model):
    """A file that was not understood, and why."""

    path: str
    reason: str = Field(max_length=300)


class Survey(Model):
    """All that was read. Sequences are capped; `cut` says which."""

    files: int = Field(description="files of the commit")
    size_bytes: int = 0
    languages: dict[str, int] = Field(default_factory=dict, description="suffix → files")
    title: str = Field(default="", max_length=300, description="of the README")
    readme: str = Field(default="", description="path of the README")
    entries: tuple[EntryPoint, ...] = ()
    stated: tuple[Stated, ...] = Field(default=(), description="commands that match no entry point")
    configs: dict[str, tuple[Setting, ...]] = Field(
        default_factory=dict, description="settings file → its keys"
    )
    environments: tuple[EnvironmentFile, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    imports: dict[str, Place] = Field(
        default_factory=dict, description="top-level module from elsewhere → where it is imported"
    )
    packages: dict[str, str] = Field(
        default_factory=dict, description="importable package of the repository → its folder"
    )
    projects: tuple[str, ...] = Field(
        default=(), description="folders with a project file of their own"
    )
    data: tuple[DataFile, ...] = ()
    unread: tuple[Unread, ...] = ()
    cut: tuple[str, ...] = Field(default=(), description="what there was more of, in words")
