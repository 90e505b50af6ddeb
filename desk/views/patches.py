"""Two programs' difference as a patch in git's own form."""

import re
from collections.abc import Iterator
from difflib import unified_diff

from labcrew.domain.evolution import CodeFile

_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # git's lines end at a newline and nowhere else
_NO_END = "\\ No newline at end of file\n"


def patch(before: tuple[CodeFile, ...], after: tuple[CodeFile, ...]) -> str:
    """What leads from one program to the other, for `git apply`; empty where they are the same."""
    old, new = ({file.path: file.text for file in files} for files in (before, after))
    return "".join(
        line
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
        for line in _file(path, old.get(path), new.get(path))
    )


def _file(path: str, old: str | None, new: str | None) -> Iterator[str]:
    a, b = _spelt(f"a/{path}"), _spelt(f"b/{path}")
    yield f"diff --git {a} {b}\n"
    if old is None:
        a = "/dev/null"
        yield "new file mode 100644\n"
    if new is None:
        b = "/dev/null"
        yield "deleted file mode 100644\n"
    lines = list(unified_diff(_LINE.findall(old or ""), _LINE.findall(new or "")))[2:]
    if lines:
        # A tab ends a name that holds a space.
        yield f"--- {a}{chr(9) * (' ' in a)}\n+++ {b}{chr(9) * (' ' in b)}\n"
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n{_NO_END}"


def _spelt(path: str) -> str:
    """A path as git writes it: in quotes where it holds some."""
    if '"' not in path and "\\" not in path:
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
