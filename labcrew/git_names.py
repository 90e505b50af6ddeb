"""Which names git treats as its own, however they are spelled on some file system."""

from __future__ import annotations

import re
import unicodedata

# Code points that HFS+ leaves out of a name (git's own list, utf8.c: next_hfs_char).
_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
_SHORT = re.compile(r"(git|gi[0-9a-f]{4}|gitmod|gitatt|gitign|mailma)~[0-9]+")
_READ_BY_GIT = {"head", ".mailmap", ".lfsconfig"}


def folded(name: str) -> str:
    """A name as a careless file system may take it: case, ignored code points and form aside."""
    name = unicodedata.normalize("NFC", name.translate(_IGNORED)).casefold()
    return unicodedata.normalize("NFC", name)


def is_gits(component: str) -> bool:
    """Whether one component of a path may come to mean something to git.

    `.git*` in any spelling; `HEAD`, without which no folder is taken for a bare repository; and
    the files that git reads from a working tree. NTFS drops trailing dots and spaces, reads what
    follows a colon as a stream, and knows files by short names (`GIT~1`).
    """
    name = folded(component.split(":")[0]).rstrip(". ")
    return name.startswith(".git") or name in _READ_BY_GIT or _SHORT.fullmatch(name) is not None


def taken_for_gits(component: str) -> bool:
    """Whether a folder or file of that name makes a repository: `.git` itself, or `HEAD`."""
    name = folded(component.split(":")[0]).rstrip(". ")
    return name in {".git", "head", "git~1"}
