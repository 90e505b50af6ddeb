"""The repository's files: walked once, links never followed, everything capped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from shlex import quote

from .words import words

MOST_FILES = 60_000
"""Beyond these, files are counted but not looked at."""
MOST_BYTES = 2 << 20
"""A file that is larger is not read for its text."""
MOST_PATH = 300
SKIPPED = words(
    ".git .hg .svn .venv venv env .tox .nox .eggs node_modules __pycache__ .mypy_cache "
    ".pytest_cache .ruff_cache .ipynb_checkpoints site-packages .idea .vscode"
)
"""Folders that hold what tools made, not what people wrote."""


def plain(text: str, most: int = 300) -> str:
    """Text on one line, without characters that nobody sees, cut to `most` characters."""
    text = " ".join(text[: 4 * most].split())
    return "".join(c if c.isprintable() else "·" for c in text)[:most]


@dataclass
class Tree:
    """The files of a repository.

    Args:
        root: its folder.
        deadline: monotonic seconds after which nothing more is read.
    """

    root: Path
    deadline: float = float("inf")
    sizes: dict[str, int] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)
    count: int = 0
    size_bytes: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    unread: list[dict[str, str]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    _texts: dict[str, str | None] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=set)

    @classmethod
    def walked(cls, root: Path, deadline: float = float("inf")) -> Tree:
        """The tree of a folder: files near its root come first, so that caps cut the deepest."""
        tree = cls(root, deadline)
        links = 0
        level = [""]
        while level:
            deeper: list[str] = []
            for folder in level:
                try:
                    entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
                except OSError as error:
                    tree.skip(folder, f"the folder can't be opened: {error.strerror}")
                    continue
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_symlink():
                        links += 1
                    elif not is_plain_path(path):
                        tree.count += not entry.is_dir(follow_symlinks=False)
                        tree.skip(path, "its name holds characters that can't be shown")
                    elif entry.is_dir(follow_symlinks=False):
                        if entry.name not in SKIPPED:
                            deeper.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        tree._add(path, entry)
            tree._folders.update(deeper)
            level = deeper
        if links:
            tree.cut.append(f"{links} links were not followed")
        if tree.count > MOST_FILES:
            tree.cut.append(f"{tree.count} files: the {tree.count - MOST_FILES} deepest are unread")
        return tree

    def _add(self, path: str, entry: os.DirEntry[str]) -> None:
        status = entry.stat(follow_symlinks=False)
        self.count += 1
        self.size_bytes += status.st_size
        suffix = PurePosixPath(entry.name).suffix.lower()[:20]
        if suffix:
            self.languages[suffix] = self.languages.get(suffix, 0) + 1
        if self.count <= MOST_FILES:
            self.sizes[path] = status.st_size
            if status.st_mode & 0o111:
                self.executable.add(path)

    def skip(self, path: str, reason: str) -> None:
        """Notes a file that was not understood; at most 200."""
        if len(self.unread) < 200:
            self.unread.append({"path": plain(path), "reason": plain(reason)})
        elif len(self.unread) == 200:
            self.unread.append({"path": "", "reason": "more files than these"})

    def __contains__(self, path: str) -> bool:
        return path in self.sizes

    def __iter__(self) -> Iterator[str]:
        return iter(self.sizes)

    def is_folder(self, path: str) -> bool:
        """Whether a folder of that path was walked."""
        return path in self._folders or path in ("", ".")

    def named(self, wanted: Callable[[str], bool]) -> list[str]:
        """The paths that fit, those near the root first."""
        return [path for path in self.sizes if wanted(path)]

    @property
    def late(self) -> bool:
        """Whether the time for reading is over."""
        return time.monotonic() > self.deadline

    def data(self, path: str, most: int = MOST_BYTES) -> bytes | None:
        """A file's bytes; None, with the reason noted, where it can't or must not be read."""
        size = self.sizes.get(path)
        if size is None:
            return None
        if size > most:
            self.skip(path, f"{size} bytes are more than {most}")
            return None
        if self.late:
            return None
        try:
            handle = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                return file.read(most)
        except OSError as error:
            self.skip(path, f"it can't be opened: {error.strerror}")
            return None

    def read(self, path: str) -> str | None:
        """A file's text, kept for the next reader; what is no UTF-8 is taken as Latin-1."""
        if path not in self._texts:
            data = self.data(path)
            self._texts[path] = None if data is None or b"\0" in data[:4096] else decoded(data)
        return self._texts[path]


def is_plain_path(path: str) -> bool:
    """Whether a path can be shown, quoted and written down as it is."""
    if len(path) > MOST_PATH or not path.isprintable():
        return False
    return not any("\ud800" <= character <= "\udfff" for character in path)


def word(path: str) -> str:
    """A path as one word of a shell line that no program takes for an option."""
    return quote(f"./{path}" if path.startswith("-") else path)


def decoded(data: bytes) -> str:
    """Text of bytes, with plain line ends."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def folder_of(path: str) -> str:
    """The folder that a path lies in; empty for the root."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def place(path: str, line: int = 0, text: str = "") -> dict[str, object]:
    """Where something was seen, as the survey spells it."""
    return {"path": path, "line": line, "text": plain(text)}
