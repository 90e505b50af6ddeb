"""The tasks: folders of tasks/, each with a `task.toml`.

A task's folder holds `repository/` (the files with the bug), `solution/` (whole files that mend
it) and `tests/` (laid over the repository at `tests/`; `python -m pytest tests` runs them from the
repository, whose root must be on the path). Half, kind and difficulty were set when
the task was written, before any model saw it. The visible half is for tuning prompts and loops;
the unseen half is for measuring.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from labcrew.domain.base import Model
from labcrew.domain.repository_path import RepositoryPath
from labcrew.errors import LabcrewError

TASKS = Path(__file__).parent / "tasks"
FOLDERS = ("repository", "solution", "tests")

Half = Literal["visible", "unseen"]
Difficulty = Literal["obvious", "moderate", "hard"]
Kind = Literal[
    "axis",
    "cache",
    "configuration",
    "data",
    "indexing",
    "leak",
    "logging",
    "metric",
    "numerics",
    "optimiser",
    "randomness",
    "reduction",
    "schedule",
    "split",
    "state",
    "statistics",
    "text",
    "training",
]


class TaskError(LabcrewError):
    """A task's folder isn't as it must be."""


class Task(Model):
    """A bug, the issue that a researcher filed about it, and what judges a repair."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    half: Half
    title: str = Field(min_length=8, max_length=120)
    question: str = Field(min_length=40, description="symptoms as a person files them, no cure")
    kind: Kind
    difficulty: Difficulty
    packages: tuple[str, ...] = Field(description="that must be installed beside pytest")
    files: dict[RepositoryPath, str] = Field(min_length=1, description="path → text, with the bug")
    solution: dict[RepositoryPath, str] = Field(
        min_length=1, description="path → whole text of the files that a right repair changes"
    )
    tests: dict[RepositoryPath, str] = Field(min_length=1, description="path → text, below tests/")
    fail_to_pass: tuple[str, ...] = Field(min_length=1, description="test functions: path::name")
    pass_to_pass: tuple[str, ...] = Field(min_length=1, description="test functions: path::name")

    @property
    def solved_files(self) -> dict[str, str]:
        """The repository after the right repair."""
        return {**self.files, **self.solution}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for path, text in self.solution.items():
            if path not in self.files:
                raise ValueError(f"solution/{path} changes no file of the repository")
            if self.files[path] == text:
                raise ValueError(f"solution/{path} is the same as the file with the bug")
        for path in self.tests:
            if not path.startswith("tests/") or path in self.files:
                raise ValueError(f"{path}: tests stand below tests/, apart from the repository")
        for path, text in {**self.files, **self.solution, **self.tests}.items():
            if path.endswith(".py"):
                _compiled(path, text)
        named = [*self.fail_to_pass, *self.pass_to_pass]
        if doubles := sorted({test for test in named if named.count(test) > 1}):
            raise ValueError(f"tests are named twice: {', '.join(doubles)}")
        there = {f"{path}::{name}" for path, text in self.tests.items() for name in _tests(text)}
        if unknown := sorted(set(named) - there):
            raise ValueError(f"no such tests: {', '.join(unknown)}")
        if unnamed := sorted(there - set(named)):
            raise ValueError(f"neither fail_to_pass nor pass_to_pass: {', '.join(unnamed)}")
        return self


def _compiled(path: str, text: str) -> None:
    try:
        compile(text, path, "exec")
    except SyntaxError as error:
        raise ValueError(f"{path} is no Python: {error}") from error


def _tests(text: str) -> list[str]:
    return [
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def _texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def load(folder: Path) -> Task:
    """Reads one task.

    Args:
        folder: it holds task.toml, repository/, solution/ and tests/; its name is the task's.

    Raises:
        TaskError: with the folder and what is wrong in it.
    """
    where = f"task {folder.name}"
    try:
        table = tomllib.loads((folder / "task.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(f"{where}: task.toml can't be read: {error}") from error
    if missing := [name for name in FOLDERS if not (folder / name).is_dir()]:
        raise TaskError(f"{where}: no folder {', '.join(missing)}")
    tests = {f"tests/{path}": text for path, text in _texts(folder / "tests").items()}
    parts = {
        "name": folder.name,
        "files": _texts(folder / "repository"),
        "solution": _texts(folder / "solution"),
        "tests": tests,
    }
    if doubles := sorted(parts.keys() & table.keys()):
        raise TaskError(f"{where}: task.toml may not name {', '.join(doubles)}")
    try:
        return Task.model_validate({**table, **parts})
    except ValidationError as error:
        troubles = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'task'}: {each['msg']}" for each in error.errors()
        )
        raise TaskError(f"{where}: {troubles}") from error


def catalogue(folder: Path = TASKS, half: Half | None = None) -> tuple[Task, ...]:
    """Reads all tasks, by name.

    Args:
        folder: holds a folder for each task.
        half: of these tasks alone.

    Raises:
        TaskError: for the first task that isn't whole, or where there are none.
    """
    tasks = tuple(load(path) for path in sorted(folder.iterdir()) if path.is_dir())
    if not tasks:
        raise TaskError(f"no tasks in {folder}")
    return tuple(task for task in tasks if half in (None, task.half))
