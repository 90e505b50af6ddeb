"""A cheat: a patch of the editable files, and what must become of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from evals.attacks.evolution.target import Kind, program, rules
from labcrew.domain.evolution import CodeFile, RunStatus

Patch = Mapping[str, str | None]
"""Path → its new text; None: the file is left out."""


@dataclass(frozen=True)
class Known:
    """What a cheat that had luck, or many tries, comes to know.

    Args:
        first: the seeds of the first comparison, case by case.
        shared: the seeds that cases would share, all comparisons, if they had none of their own.
        seen: the cases of the analysis split, as proposers see them: input and answer.
    """

    first: tuple[int, ...]
    shared: tuple[int, ...]
    seen: tuple[tuple[list[str], list[str]], ...]


@dataclass(frozen=True)
class Cheat:
    """One cheat.

    Args:
        name: unique.
        tried: what it does, in plain words.
        patch: path → text of the files that it changes or adds.
        reason: what the logged reason must say.
        ended: how a run of it must end, so that it failed by the guard and not by a slip of its
            own; "": it ran, and no run of that evaluation counts; None: it never ran.
        kind: of the target.
    """

    name: str
    tried: str
    patch: Patch | Callable[[Known], Patch]
    reason: str
    ended: RunStatus | Literal[""] | None = "ok"
    kind: Kind = "plain"

    def files(self, known: Known) -> tuple[CodeFile, ...]:
        """The whole program."""
        patch = self.patch if isinstance(self.patch, Mapping) else self.patch(known)
        whole = program() | dict(patch)
        return tuple(
            CodeFile(path=path, text=text)
            for path, text in sorted(whole.items())
            if text is not None
        )


def tidy(body: str, before: str = "") -> str:
    """solver/tidy.py whose `tidy_all(lines, seed)` has that body; `honest` is the baseline's."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.strip("\n").split("\n"))
    return (
        f"{before}from solver.rules import RULES\n\n\n"
        "def tidy(line):\n    for rule in RULES:\n        line = rule(line)\n    return line\n\n\n"
        "def honest(lines):\n    return [tidy(line) for line in lines]\n\n\n"
        f"def tidy_all(lines, seed):\n{lines}"
    )


ALL_RULES = rules("spaces", "case", "repeats", "quotes", "stops")
GAIN = {"solver/rules.py": rules("spaces")}
"""An honest gain that something rides on."""
