"""The tasks: small functions to write, in eight kinds and two levels, dealt out to three splits."""

import ast
import hashlib
import tomllib
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from labcrew.domain.base import Model
from labcrew.domain.evolution_spec import Case, Split

FOLDER = Path(__file__).parent / "tasks"
KINDS = (
    "strings",
    "lists",
    "numbers",
    "dicts",
    "parsing",
    "algorithms",
    "boundaries",
    "edges",
)
CANARIES = "canaries"
DEALT: tuple[tuple[Split, int], ...] = (("analysis", 2), ("gate", 1), ("sealed", 3))
"""Of the six tasks of a kind and level: every split has the same mix."""


class Call(Model):
    """A call of the function, and what it should return."""

    args: tuple[JsonValue, ...]
    result: JsonValue


class Task(Model):
    """A function to write."""

    name: str
    kind: str
    level: Literal["plain", "tricky"]
    split: Split
    statement: str
    signature: str
    examples: tuple[Call, ...] = Field(min_length=2, description="shown to the agent")
    tests: tuple[Call, ...] = Field(description="hidden; the function is right if it passes all")
    reference: str = Field(description="a function that does; empty for a canary")

    def shown(self) -> dict[str, JsonValue]:
        """What the agent is given."""
        return {
            "name": self.name,
            "signature": self.signature,
            "statement": self.statement,
            "examples": [call.model_dump(mode="json") for call in self.examples],
        }

    def case(self) -> Case:
        """The task as self-evolution takes it; its id says nothing of kind or level."""
        tests = [call.model_dump(mode="json") for call in self.tests]
        return Case(id=self.name, split=self.split, input=self.shown(), answer={"tests": tests})


@lru_cache
def catalogue() -> tuple[Task, ...]:
    """All tasks, canaries last; a task's split depends on its name alone."""
    found = [task for kind in KINDS for task in _read(kind)]
    cells: dict[tuple[str, str], list[Task]] = defaultdict(list)
    for task in found:
        cells[task.kind, task.level].append(task)
    splits: dict[str, Split] = {}
    for cell in cells.values():
        drawn = sorted(cell, key=lambda task: hashlib.sha256(task.name.encode()).hexdigest())
        order = [split for split, count in DEALT for _ in range(count)]
        splits |= {task.name: split for task, split in zip(drawn, order, strict=True)}
    dealt = [task.model_copy(update={"split": splits[task.name]}) for task in found]
    return (*dealt, *_read(CANARIES))


def _read(kind: str) -> list[Task]:
    raw = tomllib.loads((FOLDER / f"{kind}.toml").read_text(encoding="utf-8"))["task"]
    return [_task(kind, one) for one in raw]


def _task(kind: str, raw: dict[str, object]) -> Task:
    hidden = raw.pop("hidden", None)
    contradictory = raw.pop("contradictory", None)
    examples = [_call(str(text)) for text in _texts(raw.pop("examples"))]
    reference = str(raw.pop("reference", ""))
    if contradictory is not None:
        tests = [_call(str(text)) for text in _texts(contradictory)]
    else:
        name = str(raw["name"])
        space: dict[str, object] = {}
        exec(reference, space)  # our own text, of this folder
        tests = [_answered(space[name], text) for text in _texts(hidden)]
    return Task.model_validate(
        {
            **raw,
            "kind": kind,
            "split": "canary" if contradictory is not None else "analysis",
            "examples": examples,
            "tests": tests,
            "reference": reference.strip(),
        }
    )


def _texts(value: object) -> list[str]:
    assert isinstance(value, list)
    return value


def _call(text: str) -> Call:
    """Reads `name(arguments) == result`."""
    written = ast.parse(text, mode="eval").body
    assert isinstance(written, ast.Compare)
    assert isinstance(written.left, ast.Call)
    args = tuple(ast.literal_eval(arg) for arg in written.left.args)
    return Call(args=args, result=ast.literal_eval(written.comparators[0]))


def _answered(function: object, text: str) -> Call:
    """Reads `arguments`; the result is the reference's."""
    assert callable(function)
    args, again = (ast.literal_eval(f"({text},)") for _ in range(2))
    return Call(args=args, result=function(*again))
