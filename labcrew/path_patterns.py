"""Which repository paths a pattern means."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is one of the patterns, or lies in a folder that is one.

    `*` and `?` stand for characters of one component, `**` for any number of components.
    """
    return any(_compiled(pattern).match(path) is not None for pattern in patterns)


def seen_through(
    links: Mapping[str, str | None], files: Iterable[str], private: Collection[str]
) -> list[tuple[str, str]]:
    """Private links and where they lead, to files that are not private under their own names.

    Args:
        links: path → the path that it leads to; None: out of the repository.
        files: all paths.
        private: patterns of what is private.
    """
    open_ = [PurePosixPath(file) for file in files if not matches(file, private)]
    return [
        (link, end)
        for link, end in links.items()
        if end is not None
        and matches(link, private)
        and any(file.is_relative_to(end) for file in open_)
    ]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    trimmed = pattern.rstrip("/")
    if trimmed.startswith("./"):
        trimmed = trimmed[2:]
    if trimmed in {"", "."}:
        return re.compile(r"", re.DOTALL)
    spelt = ""
    index = 0
    while index < len(trimmed):
        if trimmed.startswith("**/", index):
            spelt, index = spelt + r"(?:[^/]+/)*", index + 3
        elif trimmed.startswith("**", index):
            spelt, index = spelt + r".*", index + 2
        elif trimmed[index] == "*":
            spelt, index = spelt + r"[^/]*", index + 1
        elif trimmed[index] == "?":
            spelt, index = spelt + r"[^/]", index + 1
        else:
            spelt, index = spelt + re.escape(trimmed[index]), index + 1
    return re.compile(rf"{spelt}(?:/.*)?\Z", re.DOTALL)
