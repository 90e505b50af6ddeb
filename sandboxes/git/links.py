"""Where a commit's symbolic links lead."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from sandboxes.git.changes import escapes, prefixes

_MOST = 40  # links in a row that Linux follows


def ends(targets: Mapping[str, str]) -> dict[str, str | None]:
    """Where each link ends, through others: its path → a path of the repository.

    None: outside the repository, in its .git, or in a circle.

    Args:
        targets: path of a link → what it says.
    """
    return {path: _end(path, targets) for path in targets}


def _end(path: str, targets: Mapping[str, str]) -> str | None:
    for _ in range(_MOST + 1):
        link = next((prefix for prefix in prefixes(path) if prefix in targets), None)
        if link is None:
            return path
        if escapes(link, targets[link]):
            return None
        rest = path[len(link) + 1 :]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(link), targets[link], rest))
    return None
