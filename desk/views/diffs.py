"""A change side by side: what git says of one file, as numbered lines of the old and the new."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from functools import lru_cache
from itertools import groupby, zip_longest
from typing import Any, Literal, NamedTuple

from pydantic import Field

from desk.views.colours import Span, coloured, marked
from labcrew.domain.base import Model
from labcrew.domain.repository import ChangedFile, FilePatch, Repositories
from labcrew.errors import BoundaryError, NotFound
from sandboxes.text import clean

MOST_ROWS = 2000
"""More of one file is not shown."""
_LONGEST_LINE = 2000
_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)", re.DOTALL)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MOST_COLOURED = 128 << 10
_MODES = {"100644": "a file", "100755": "a program", "120000": "a link", "160000": "a submodule"}


class Cell(Model):
    """One line of one side."""

    number: int
    text: str = Field(description="without control and invisible characters")
    ends: bool = Field(default=True, description="a line break follows")
    returns: bool = Field(default=False, description="that line break is CR LF")
    hidden: int = Field(default=0, description="characters that were left out")
    cut: bool = Field(default=False, description="it is longer than what is shown")
    spans: tuple[Span, ...] = ()


class Row(Model):
    """What stands side by side; one side may be empty."""

    kind: Literal["same", "changed", "added", "removed"]
    old: Cell | None
    new: Cell | None


class Section(Model):
    """Lines that follow each other, with what git names as the place."""

    place: str
    rows: tuple[Row, ...]

    @property
    def blocks(self) -> list[tuple[bool, list[Row]]]:
        """Rows in runs that stay the same (True) and that change (False)."""
        runs = groupby(self.rows, key=lambda row: row.kind == "same")
        return [(same, list(rows)) for same, rows in runs]


class FileDifference(Model):
    """What is shown of one file."""

    file: ChangedFile
    sections: tuple[Section, ...]
    notes: tuple[str, ...]


class Comparison(NamedTuple):
    """Two commits of a trusted repository; what differs between them is kept in mind, for commits
    never change.
    """

    repositories: Any
    """The git boundary: labcrew.domain.repository.Repositories."""
    name: str
    base: str
    head: str

    def files(self) -> tuple[ChangedFile, ...]:
        """The files that differ, by path."""
        return _files(self)

    def file(self, path: str) -> FileDifference:
        """One file, with colours and with the words marked that differ. Raises NotFound."""
        return _file(self, path)


def between(path: str, old: str, new: str) -> FileDifference:
    """How one text becomes another, as a commit's file is shown; an empty one is not there."""
    lines = list(unified_diff(_LINE.findall(old), _LINE.findall(new)))[2:]
    raw = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    signs = Counter(line[0] for line in lines)
    file = ChangedFile(
        path=path,
        old_path=path,
        state="changed" if old and new else "added" if new else "removed",
        insertions=signs["+"],
        deletions=signs["-"],
        old_mode="100644",
        new_mode="100644",
    )
    shown = read_patch(file, FilePatch(raw=raw.encode("utf-8", "replace"), whole=True))
    return _with_colours(shown, path, *(_to_colour(text) for text in (old, new)))


@lru_cache(maxsize=128)
def _files(of: Comparison) -> tuple[ChangedFile, ...]:
    repositories: Repositories = of.repositories
    return repositories.changed_files(of.name, of.base, of.head)


@lru_cache(maxsize=32)
def _file(of: Comparison, path: str) -> FileDifference:
    repositories: Repositories = of.repositories
    file = next((file for file in of.files() if file.path == path), None)
    if file is None:
        raise NotFound(f"{path[:200]} is not among the files that change.")
    shown = read_patch(file, repositories.file_patch(of.name, of.base, of.head, file))
    sides = []
    for state, commit, place in (("added", of.base, file.old_path), ("removed", of.head, path)):
        there = file.state != state and file.insertions is not None
        sides.append(_text_of(repositories, of.name, commit, place) if there else "")
    return _with_colours(shown, path, *sides)


def _with_colours(shown: FileDifference, path: str, before: str, after: str) -> FileDifference:
    old, new = (coloured(text, path) for text in (before, after))
    sections = tuple(
        section.model_copy(update={"rows": tuple(_painted(row, old, new) for row in section.rows)})
        for section in shown.sections
    )
    return shown.model_copy(update={"sections": sections})


def read_patch(file: ChangedFile, patch: FilePatch) -> FileDifference:
    """What git said of one file, as lines side by side, without colours."""
    notes = list(_about(file))
    sections: list[Section] = []
    left = MOST_ROWS
    for place, old, new, body in _hunks(patch.raw):
        rows = list(_rows(body, old, new))
        sections.append(Section(place=place, rows=tuple(rows[:left])))
        left -= len(rows)
        if left <= 0:
            break
    if file.insertions is None:
        notes.append("Its content is binary, or too large to compare line by line.")
    elif left < 0 or not patch.whole:
        told = f"{file.insertions:,} lines come and {file.deletions or 0:,} go"
        notes.append(f"Only the first lines are shown: {told}. The branch holds all of them.")
    if b"\xef\xbf\xbd" not in patch.raw and "\ufffd" in patch.raw.decode("utf-8", "replace"):
        notes.append("It is not UTF-8: what can't be read is shown as \ufffd.")
    if any(cell.hidden for section in sections for row in section.rows for cell in _cells(row)):
        notes.append("Some lines hold characters that nobody sees; they are left out and counted.")
    return FileDifference(file=file, sections=tuple(sections), notes=tuple(notes))


def _about(file: ChangedFile) -> Iterator[str]:
    if file.state == "renamed":
        yield f"Renamed from {clean(file.old_path)}."
    old, new = _MODES.get(file.old_mode), _MODES.get(file.new_mode)
    if old is not None and new is not None and old != new:
        yield f"It was {old} and becomes {new}."
    elif new in ("a link", "a submodule"):
        yield f"It is {new}."
    if file.state in ("added", "removed") and not file.insertions and not file.deletions:
        yield {"added": "An empty file comes.", "removed": "An empty file goes."}[file.state]


Line = tuple[bytes, bytes, bool]
"""Its sign, its text, and whether a line break follows."""


def _hunks(raw: bytes) -> Iterator[tuple[str, int, int, list[Line]]]:
    """Each hunk of the first file in a patch: its place, its first numbers, its lines."""
    lines = raw.split(b"\n")
    index = 0
    while index < len(lines) and not lines[index].startswith(b"@@ "):
        index += 1
    while index < len(lines) and (head := _HUNK.fullmatch(lines[index])) is not None:
        wanted = [int(head[2] or 1), int(head[4] or 1)]
        body: list[Line] = []
        index += 1
        while index < len(lines) and (any(wanted) or lines[index].startswith(b"\\")):
            sign, text = lines[index][:1], lines[index][1:]
            if sign == b"\\" and body:
                body[-1] = (body[-1][0], body[-1][1], False)
            elif sign in (b" ", b"-", b"+"):
                wanted[0] -= sign != b"+"
                wanted[1] -= sign != b"-"
                body.append((sign, text, True))
            else:  # cut at the cap, in the middle of a hunk
                break
            index += 1
        yield clean(head[5]).strip(), int(head[1]), int(head[3]), body


def _rows(body: Sequence[Line], old: int, new: int) -> Iterator[Row]:
    """Lines side by side: those that go stand beside those that come in their place."""
    gone: list[Cell] = []
    come: list[Cell] = []
    for sign, text, ends in (*body, (b" ", None, True)):
        if sign == b" " or (sign == b"-" and come):
            for before, after in zip_longest(gone, come):
                kind: Literal["changed", "added", "removed"] = (
                    "added" if before is None else "removed" if after is None else "changed"
                )
                yield Row(kind=kind, old=before, new=after)
            gone, come = [], []
        if text is None:
            break
        if sign == b" ":
            yield Row(kind="same", old=_cell(old, text, ends), new=_cell(new, text, ends))
        elif sign == b"-":
            gone.append(_cell(old, text, ends))
        else:
            come.append(_cell(new, text, ends))
        old += sign != b"+"
        new += sign != b"-"


def _cell(number: int, raw: bytes, ends: bool) -> Cell:
    decoded = raw.removesuffix(b"\r").decode("utf-8", "replace")
    text = clean(decoded).replace("\r", "\N{SYMBOL FOR CARRIAGE RETURN}")
    return Cell(
        number=number,
        text=text[:_LONGEST_LINE],
        ends=ends,
        returns=raw.endswith(b"\r"),
        hidden=len(decoded) - len(text),
        cut=len(text) > _LONGEST_LINE,
    )


def _cells(row: Row) -> Iterator[Cell]:
    yield from (cell for cell in (row.old, row.new) if cell is not None)


def _painted(row: Row, old: dict[int, tuple[Span, ...]], new: dict[int, tuple[Span, ...]]) -> Row:
    sides = [_coloured(row.old, old), _coloured(row.new, new)]
    if row.kind == "changed" and sides[0] is not None and sides[1] is not None:
        spans = marked(sides[0].spans, sides[1].spans)
        sides = [sides[i].model_copy(update={"spans": spans[i]}) for i in (0, 1)]  # type: ignore[union-attr]
    return row.model_copy(update={"old": sides[0], "new": sides[1]})


def _coloured(cell: Cell | None, colours: dict[int, tuple[Span, ...]]) -> Cell | None:
    if cell is None:
        return None
    spans = colours.get(cell.number, ())
    # What the lexer split its own way is shown without colours, never with other words.
    if "".join(text for _, text in spans) != cell.text:
        spans = (("", cell.text),)
    return cell.model_copy(update={"spans": spans})


def _text_of(repositories: Repositories, name: str, commit: str, path: str) -> str:
    """A small file's text for its colours; "" where it is large or none."""
    try:
        raw = repositories.read(name, commit, path, 1)
    except (BoundaryError, NotFound):
        return ""
    return _to_colour(raw)


def _to_colour(text: str | bytes) -> str:
    return clean(text) if len(text) <= _MOST_COLOURED else ""
