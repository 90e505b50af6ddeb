"""What a change out of a sandbox may touch: paths, modes and links, held against the base."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from labcrew.errors import BoundaryError
from labcrew.git_names import folded, is_gits
from labcrew.patterns import matches
from sandboxes.git.commits import odd_characters

MAX_CHANGED = 10_000
MAX_PATH_BYTES = 1024
MAX_DEPTH = 32
Listing = dict[bytes, tuple[str, str]]  # path → mode and object
_MODES = {"100644", "100755", "120000"}


class Changes:
    """Judges the commits of one change.

    Args:
        before: the base's files.
        editable: the paths that may change.
    """

    def __init__(self, before: Listing, editable: tuple[str, ...]) -> None:
        self._before = before
        self._editable = editable
        self._passed: set[tuple[bytes, str, str]] = set()
        self._spelt: dict[str, set[str]] = {}
        for path in before:
            self._spell(path.decode("utf-8", "surrogateescape"))

    def links(self, after: Listing) -> Iterator[tuple[str, str]]:
        """Judges one commit's files; answers its new links, path and object, to be judged too.

        Raises BoundaryError for the first thing that may not cross.
        """
        touched = [path for path, entry in after.items() if self._before.get(path) != entry]
        touched += [path for path in self._before if path not in after]
        if len(touched) > MAX_CHANGED:
            raise BoundaryError(f"The change touches more than {MAX_CHANGED} files")
        for name in touched:
            mode, blob = after.get(name, ("", ""))
            if (name, mode, blob) in self._passed:
                continue
            self._passed.add((name, mode, blob))
            path = self._judged(name, mode)
            if mode == "120000":
                yield path, blob

    def _judged(self, name: bytes, mode: str) -> str:
        if (odd := odd_characters(name)) is not None:
            raise BoundaryError(f"A changed path holds {odd}: {name[:200]!r}")
        path = name.decode("utf-8")
        parts = PurePosixPath(path).parts
        if "160000" in (mode, self._before.get(name, ("", ""))[0]):
            raise BoundaryError(f"{path} adds or changes a submodule link")
        if mode and mode not in _MODES:
            raise BoundaryError(f"{path} has mode {mode}, which may not cross")
        if len(name) > MAX_PATH_BYTES or len(parts) > MAX_DEPTH:
            raise BoundaryError(f"{path[:80]} … is deeper or longer than a path may be")
        if "\\" in path:
            raise BoundaryError(f"{path}: some systems take a backslash for a folder's end")
        if any(is_gits(part) for part in parts):
            raise BoundaryError(f"{path}: files that git itself reads may not be changed")
        if not matches(path, self._editable):
            raise BoundaryError(
                f"{path} is not among the editable paths ({', '.join(self._editable) or 'none'})"
            )
        if mode and name not in self._before:
            self._check_spelling(path)
        return path

    def _check_spelling(self, path: str) -> None:
        """Refuses `Data/x` beside `data`: where case does not count, one becomes the other."""
        for prefix in prefixes(path):
            others = self._spelt.get(folded(prefix), {prefix})
            if prefix not in others:
                raise BoundaryError(f"{path} differs from {min(others)} in its spelling alone")
        self._spell(path)

    def _spell(self, path: str) -> None:
        for prefix in prefixes(path):
            self._spelt.setdefault(folded(prefix), set()).add(prefix)


def escapes(path: str, target: str) -> bool:
    """Whether a symbolic link at `path` leads out of the repository or into its .git."""
    if not target or target.startswith("/") or "\0" in target or "\\" in target:
        return True
    above = len(PurePosixPath(path).parent.parts)
    going_down = False
    for part in target.split("/"):
        if part in {"", "."}:
            continue
        if part == "..":
            # Once down, a name may be another link, and ".." from there leads anywhere.
            if going_down or above == 0:
                return True
            above -= 1
        elif is_gits(part):
            return True
        else:
            going_down = True
    return False


def prefixes(path: str) -> list[str]:
    """A path's folders from the root on, and the path itself."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
