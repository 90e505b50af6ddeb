"""The settings of programs and of settings files, read from their text alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .config_files import config_paths
from .documents import config_settings
from .help_text import help_settings
from .mechanisms import (
    absl_,
    argparse_,
    argv_,
    click_,
    dataclass_,
    environment_,
    fire_,
    gin_,
    hydra_,
    literals_,
    pydantic_,
    typer_,
)
from .notebook import notebook_code, notebook_settings
from .program import Program, Read
from .setting import MOST_SETTINGS, Setting, distinct
from .shell import make_settings, shell_settings
from .syntax import source_of

__all__ = [
    "config_paths",
    "config_settings",
    "help_settings",
    "make_settings",
    "notebook_code",
    "notebook_settings",
    "settings_of",
    "shell_settings",
]

MECHANISMS: tuple[tuple[tuple[str, ...], Callable[[Program], list[Setting]]], ...] = (
    (("add_argument", "add_option", "add_arg(", "parser"), argparse_.find),
    (("click",), click_.find),
    (("typer",), typer_.find),
    (("DEFINE_",), absl_.find),
    (("Fire(", "plac.", "defopt.", "clize."), fire_.find),
    (("hydra", "OmegaConf"), hydra_.find),
    (dataclass_.WORDS, dataclass_.find),
    (("BaseSettings", "BaseModel"), pydantic_.find),
    (("@gin.", "from gin "), gin_.find),
    (("argv",), argv_.find),
    (("environ", "getenv"), environment_.find),
)
"""Words of which one stands in each file that a mechanism is looked for in, and what reads it."""

_NOT_TUNED = {
    "seed", "random_seed", "port", "workers", "num_workers", "gpu", "gpus", "device", "local_rank",
    "rank", "world_size", "verbose", "verbosity", "n_jobs", "jobs", "threads", "num_threads",
    "debug", "log_interval", "print_freq", "save_every", "version",
}  # fmt: skip


def settings_of(path: str, text: str, read: Read, files: Iterable[str] = ()) -> list[Setting]:
    """All that a Python program lets people set; its literals where it offers no number.

    Args:
        path: of the program, inside the repository.
        text: the whole of it; anything at all.
        read: gives the text of the repository's other files, None where there is none.
        files: all paths of the repository, if known: Hydra's groups then have their choices.
    """
    source = source_of(path, text)
    if source is None:
        return []
    try:
        program = Program(source, read, files)
    except RecursionError:
        return []
    found: list[Setting] = []
    every = program.sources
    for words, find in MECHANISMS:
        program.sources = [one for one in every if any(word in one.text for word in words)]
        if program.sources:
            found += _safely(find, program)
    if not any(
        one["type"] in ("float", "int") and one["name"].replace("-", "_") not in _NOT_TUNED
        for one in found
    ):
        found += _safely(literals_.find, program)
    return distinct(found)[:MOST_SETTINGS]


def _safely(find: Callable[[Program], list[Setting]], program: Program) -> list[Setting]:
    """What one mechanism finds; nothing where a file is too odd for it."""
    try:
        return find(program)
    except (RecursionError, ValueError, TypeError, AttributeError, LookupError, AssertionError):
        return []
