"""Names that are one name but for case and spaces: "cat", "Cat " and "CAT"."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping


def folded(name: str) -> str:
    """A name without what people spell now one way and now another."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def spellings(counts: Mapping[str, int]) -> list[list[str]]:
    """The spellings of each class that has several, the most frequent first.

    Case tells classes apart where without it no two are left (genotypes: AA, Aa, aa), and where
    more than two are single letters (characters to be read).

    Args:
        counts: how often each name stands there.
    """
    classes = {folded(name) for name in counts}
    letters = sum(len(name) == 1 for name in classes) > 2

    def same(name: str) -> str:
        plain = folded(name)
        cased = len(classes) < 2 or (letters and len(plain) == 1)
        return name.strip() if cased else plain

    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        groups[same(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def usual_spelling(counts: Mapping[str, int]) -> dict[str, str]:
    """Each unusual spelling of a class with the usual one."""
    return {name: group[0] for group in spellings(counts) for name in group[1:]}


def counted(names: list[str | None]) -> Counter[str]:
    """How often each name stands there, empty cells left out."""
    return Counter(name for name in names if name is not None)
