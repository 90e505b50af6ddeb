"""Two commits of a trusted repository, held against each other file by file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from labcrew.domain.repository import ChangedFile, FilePatch
from labcrew.errors import BoundaryError
from sandboxes.git.git_runner import GitRunner

_LONGEST_S = 120.0
_LIST_BYTES = 32 << 20
_FLAGS = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "-l400")
_SETTINGS = ("core.bigFileThreshold=16m",)  # larger files are compared, not shown line by line
_STATES: dict[str, Literal["added", "removed", "changed", "renamed"]] = {
    "A": "added",
    "D": "removed",
    "R": "renamed",
}


def changed_files(git: GitRunner, bare: Path, old: str, new: str) -> tuple[ChangedFile, ...]:
    """The files that differ between two commits, by path.

    Raises BoundaryError where there are more than can be listed.
    """
    output = git.run(
        bare, "diff", "--raw", "--numstat", "-z", "--abbrev=64", *_FLAGS, old, new,
        limit_bytes=_LIST_BYTES, timeout_s=_LONGEST_S, settings=_SETTINGS,
    )  # fmt: skip
    if len(output) == _LIST_BYTES:
        raise BoundaryError("The change touches more files than can be listed.")
    fields = iter(output.decode("utf-8", "replace").split("\0"))
    heads: dict[str, tuple[str, str, str, str]] = {}
    counts: dict[str, tuple[int | None, int | None]] = {}
    for field in fields:
        if field.startswith(":"):
            old_mode, new_mode, _, _, state = field[1:].split(" ")
            before, path = _paths(fields, renamed=state[0] in "RC")
            heads[path] = (before, state[0], old_mode, new_mode)
        elif field:
            plus, minus, path = field.split("\t", 2)
            if not path:
                _, path = _paths(fields, renamed=True)
            counts[path] = (_count(plus), _count(minus))
    return tuple(
        ChangedFile(
            path=path,
            old_path=before,
            state=_STATES.get(state, "changed"),
            insertions=counts.get(path, (None, None))[0],
            deletions=counts.get(path, (None, None))[1],
            old_mode=old_mode,
            new_mode=new_mode,
        )
        for path, (before, state, old_mode, new_mode) in sorted(heads.items())
    )


def file_patch(
    git: GitRunner, bare: Path, old: str, new: str, file: ChangedFile, cap_bytes: int
) -> FilePatch:
    """How one file differs between two commits."""
    raw = git.run(
        bare, "--literal-pathspecs", "diff", *_FLAGS, old, new, "--", file.old_path, file.path,
        limit_bytes=cap_bytes, timeout_s=_LONGEST_S, settings=_SETTINGS,
    )  # fmt: skip
    return FilePatch(raw=raw, whole=len(raw) < cap_bytes)


def _paths(fields: Iterator[str], *, renamed: bool) -> tuple[str, str]:
    first = next(fields)
    return (first, next(fields)) if renamed else (first, first)


def _count(number: str) -> int | None:
    return None if number == "-" else int(number)
