"""A merge request's change as files, hunks and lines, for a side-by-side view."""

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.repository import Change

MOST_LINES = 20_000
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class DiffLine(Model):
    """A line of a hunk; `old` or `new` is null where it is on one side alone."""

    sign: Literal[" ", "-", "+"]
    old: int | None
    new: int | None
    text: str = Field(description="of the repository: untrusted text")


class DiffHunk(Model):
    """A place that changes."""

    heading: str = Field(description="what git shows of where it is, e.g. a function's name")
    lines: tuple[DiffLine, ...]


class DiffFile(Model):
    """What changes in one file."""

    path: str
    state: Literal["added", "deleted", "changed"]
    binary: bool = False
    insertions: int
    deletions: int
    hunks: tuple[DiffHunk, ...]


class Difference(Model):
    """All that changes."""

    files: tuple[DiffFile, ...]
    insertions: int = Field(description="of the whole change, shown or not")
    deletions: int
    complete: bool = Field(description="false: it is too large to be shown whole")
    left_out: tuple[str, ...] = Field(description="paths of files that are not shown")


def difference(change: Change) -> Difference:
    """A change, read from git's own unified diff; at most 20,000 lines of it."""
    lines = change.diff.split("\n")
    files = tuple(_files(lines[:MOST_LINES]))
    shown = {file.path for file in files}
    left_out = tuple(path for path in change.files if path not in shown)
    cut = len(lines) > MOST_LINES or bool(left_out) or _sum(files) != (
        change.insertions,
        change.deletions,
    )  # fmt: skip
    return Difference(
        files=files,
        insertions=change.insertions,
        deletions=change.deletions,
        complete=not cut,
        left_out=left_out,
    )


def _sum(files: tuple[DiffFile, ...]) -> tuple[int, int]:
    return sum(f.insertions for f in files), sum(f.deletions for f in files)


def _files(lines: list[str]) -> Iterator[DiffFile]:
    index = 0
    while index < len(lines):
        if not lines[index].startswith("diff --git "):
            index += 1
            continue
        path = _path(lines[index].removeprefix("diff --git "))
        index += 1
        state: Literal["added", "deleted", "changed"] = "changed"
        binary = False
        while index < len(lines) and not lines[index].startswith(("diff --git ", "@@ ")):
            head = lines[index]
            state = (
                "added"
                if head.startswith("new file mode")
                else "deleted"
                if head.startswith("deleted file mode")
                else state
            )
            binary = binary or head.startswith(("Binary files ", "GIT binary patch"))
            index += 1
        hunks = []
        while index < len(lines) and (match := _HUNK.match(lines[index])):
            hunk, index = _hunk(lines, index + 1, match)
            hunks.append(hunk)
        signs = [line.sign for hunk in hunks for line in hunk.lines]
        yield DiffFile(
            path=path,
            state=state,
            binary=binary,
            insertions=signs.count("+"),
            deletions=signs.count("-"),
            hunks=tuple(hunks),
        )


def _hunk(lines: list[str], index: int, match: re.Match[str]) -> tuple[DiffHunk, int]:
    """A hunk by its counts, for a line of a file may look like anything."""
    old, new = int(match[1]), int(match[3])
    old_end = old + (1 if match[2] is None else int(match[2]))
    new_end = new + (1 if match[4] is None else int(match[4]))
    found: list[DiffLine] = []
    while index < len(lines) and (old < old_end or new < new_end):
        sign, text = lines[index][:1], lines[index][1:]
        if sign == "+":
            found.append(DiffLine(sign="+", old=None, new=new, text=text))
            new += 1
        elif sign == "-":
            found.append(DiffLine(sign="-", old=old, new=None, text=text))
            old += 1
        elif sign in (" ", ""):
            found.append(DiffLine(sign=" ", old=old, new=new, text=text))
            old, new = old + 1, new + 1
        elif sign != "\\":
            break
        index += 1
    while index < len(lines) and lines[index].startswith("\\"):
        index += 1
    return DiffHunk(heading=match[5].strip(), lines=tuple(found)), index


def _path(named: str) -> str:
    """The path of `a/PATH b/PATH`; both are the same, for renames are not looked for."""
    quoted = _QUOTED.match(named)
    if quoted is not None:
        return quoted[1].removeprefix("a/")
    return named[2 : 2 + (len(named) - 5) // 2]
