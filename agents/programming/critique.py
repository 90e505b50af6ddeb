"""What is wrong with a change that can be seen without running it."""

import re
from collections.abc import Mapping

from agents.programming.source import parts
from labcrew.code_paths import is_test
from tools.programming.leftovers import unwritten

__all__ = ["is_test", "unfit"]
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b|^\s*\.\.\.\s*$", re.M)
_KNOWS_TESTS = re.compile(r"\bpytest\b|PYTEST_CURRENT_TEST|\bsys\.modules\b|\bunittest\b")


def unfit(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Why a change is not worth a run of the tests, as the model is told; empty where it is.

    Args:
        before: path → text of the files as they stand.
        after: the files that the change touches.
    """
    for path, text in after.items():
        old = before.get(path, "")
        gone = {p.name for p in parts(path, old)} - {p.name for p in parts(path, text)}
        if gone:
            return f"The change takes {', '.join(sorted(gone)[:3])} out of {path}: keep it."
        more = _count(_UNFINISHED, text) > _count(_UNFINISHED, old)
        if more or unwritten(text) > unwritten(old):
            return f"The change leaves {path} unfinished: write it whole."
        if not is_test(path) and _count(_KNOWS_TESTS, text) > _count(_KNOWS_TESTS, old):
            return f"The change makes {path} look for the tests: mend the code itself."
    return ""


def _count(pattern: re.Pattern[str], text: str) -> int:
    return len(pattern.findall(text))
