"""Which repository paths a pattern means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is one of the patterns, or lies in a folder that is one.

    `*` and `?` stand for characters of one component, `**` for any number of components.
    """
    return any(_compiled(pattern).match(path) is not None for pattern in patterns)


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
