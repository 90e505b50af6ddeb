"""Unified diffs as models write them, read into hunks: line counts that are wrong do no harm."""

import re
from dataclasses import dataclass

_HUNK = re.compile(r"@@(?: -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))?)?[^@]*@@")
_VERSION = re.compile(r"\d+\.\d")
_NOWHERE = "/dev/null"
_NO_NEWLINE = "\\"


class NotADiff(ValueError):
    """A text that can't be read as a unified diff; its message says where."""


@dataclass(frozen=True)
class Line:
    """A line of a hunk.

    Args:
        sign: " " stays, "-" goes, "+" comes.
        text: without its line break.
        ends: whether a line break follows it in the file.
    """

    sign: str
    text: str
    ends: bool = True


@dataclass(frozen=True)
class Hunk:
    """A place of a file that changes.

    Args:
        start: the number of its first old line, as its header says; None where it doesn't.
        lines: in order.
        at: the header's own line in the diff, from 1.
    """

    start: int | None
    lines: tuple[Line, ...]
    at: int

    @property
    def old(self) -> tuple[str, ...]:
        return tuple(line.text for line in self.lines if line.sign != "+")


@dataclass(frozen=True)
class FileDiff:
    """What changes in one file; `old` or `new` is None where it is made or deleted."""

    old: str | None
    new: str | None
    hunks: tuple[Hunk, ...]

    @property
    def path(self) -> str:
        return self.new or self.old or ""


def read_diff(text: str) -> tuple[FileDiff, ...]:
    """The files of a diff, in order, each path without git's `a/` and `b/`.

    Raises NotADiff.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    files: list[FileDiff] = []
    index = 0
    while index < len(lines):
        if not _begins_file(lines, index):
            if lines[index].startswith("@@"):
                raise NotADiff(f"line {index + 1}: a hunk without `--- path` and `+++ path` before")
            if lines[index].startswith(("rename ", "copy ", "GIT binary", "deleted file")):
                raise NotADiff(f"line {index + 1}: files can't be renamed, copied or deleted")
            index += 1
            continue
        old, new = _paths(lines[index], lines[index + 1])
        index += 2
        hunks: list[Hunk] = []
        while index < len(lines) and lines[index].startswith("@@"):
            hunk, index = _read_hunk(lines, index)
            hunks.append(hunk)
        if not hunks:
            raise NotADiff(f"line {index}: no hunk (@@ … @@) follows `{lines[index - 1][:80]}`")
        files.append(FileDiff(old, new, tuple(hunks)))
    if not files:
        raise NotADiff("it holds no `--- path` line with a `+++ path` line behind it")
    return tuple(files)


def _begins_file(lines: list[str], index: int) -> bool:
    following = lines[index + 1] if index + 1 < len(lines) else ""
    return lines[index].startswith("--- ") and following.startswith("+++ ")


def _is_signature(lines: list[str], index: int) -> bool:
    """Whether git's own name stands there, as it does below each mailed patch."""
    following = lines[index + 1] if index + 1 < len(lines) else ""
    return lines[index].rstrip() == "--" and _VERSION.match(following) is not None


def _paths(old: str, new: str) -> tuple[str | None, str | None]:
    spelt = [line[4:].split("\t")[0].strip().strip('"') for line in (old, new)]
    if spelt[0].startswith("a/") and spelt[1].startswith("b/"):
        spelt = [spelt[0][2:], spelt[1][2:]]
    elif spelt[0] == _NOWHERE:
        spelt[1] = spelt[1].removeprefix("b/")
    elif spelt[1] == _NOWHERE:
        spelt[0] = spelt[0].removeprefix("a/")
    return (
        None if spelt[0] == _NOWHERE else spelt[0],
        None if spelt[1] == _NOWHERE else spelt[1],
    )


def _read_hunk(lines: list[str], index: int) -> tuple[Hunk, int]:
    found = _HUNK.match(lines[index])
    if found is None:
        raise NotADiff(
            f"line {index + 1}: a hunk begins with `@@ -1,3 +1,4 @@` or `@@ … @@`, not"
            f" `{lines[index][:80]}`"
        )
    start = int(found[1]) if found[1] is not None else None
    counted = None
    if found[1] is not None:
        counts = tuple(int(found[group] or 1) for group in (2, 4))
        counted = _by_counts(lines, index + 1, counts[0], counts[1])
    body, end = counted or _by_signs(lines, index + 1)
    if not any(line.sign != " " for line in body):
        raise NotADiff(f"line {index + 1}: the hunk changes nothing")
    return Hunk(start, tuple(body), index + 1), end


def _by_counts(lines: list[str], index: int, old: int, new: int) -> tuple[list[Line], int] | None:
    """The hunk's body by its header's counts; None where they don't fit what stands there."""
    body: list[Line] = []
    while (old > 0 or new > 0) and index < len(lines):
        line = _read_line(lines[index])
        if line is None:
            return None
        old -= line.sign in " -"
        new -= line.sign in " +"
        body.append(line)
        index = _take_mark(lines, index + 1, body)
    if old or new:
        return None
    blank = False
    while index < len(lines) and not lines[index].strip():
        blank, index = True, index + 1
    if index == len(lines) or lines[index].startswith(("@@", "diff ", "index ")):
        return body, index
    if _begins_file(lines, index) or _is_signature(lines, index):
        return body, index
    # Behind a blank line there may be words, but what has a sign was counted wrongly.
    return (body, index) if blank and _read_line(lines[index]) is None else None


def _by_signs(lines: list[str], index: int) -> tuple[list[Line], int]:
    body: list[Line] = []
    while index < len(lines) and not lines[index].startswith(("@@", "diff --git ")):
        if _begins_file(lines, index) or _is_signature(lines, index):
            break
        line = _read_line(lines[index])
        if line is None:
            raise NotADiff(
                f"line {index + 1}: a line of a hunk begins with ' ', '-' or '+', not"
                f" `{lines[index][:80]}`"
            )
        body.append(line)
        index = _take_mark(lines, index + 1, body)
    while body and body[-1] == Line(" ", ""):  # blank lines before the next file
        body.pop()
    return body, index


def _read_line(line: str) -> Line | None:
    if not line:
        return Line(" ", "")  # an editor took the space of an empty line away
    return Line(line[0], line[1:]) if line[0] in " -+" else None


def _take_mark(lines: list[str], index: int, body: list[Line]) -> int:
    if index < len(lines) and lines[index].startswith(_NO_NEWLINE):
        body[-1] = Line(body[-1].sign, body[-1].text, ends=False)
        return index + 1
    return index
