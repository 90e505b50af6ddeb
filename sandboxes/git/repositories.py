"""Trusted bare repositories, and the narrow way in and out of them.

The user's repository is read where it lies and never changed but for a new branch (`publish`)
and a fast-forward (`merge`). What a sandbox made comes in by `land` alone; see landing.py.
"""

from __future__ import annotations

import fcntl
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from labcrew import full_disk
from labcrew.domain.repository import (
    Change,
    ChangedFile,
    Checkout,
    FilePatch,
    Lacking,
    MergeOutcome,
)
from labcrew.errors import BoundaryError, NotFound, RepositoryError
from labcrew.git_attributes import AS_STORED
from labcrew.patterns import matches
from sandboxes.git.changes import escapes, prefixes
from sandboxes.git.comparing import changed_files, file_patch
from sandboxes.git.fitting import check_size
from sandboxes.git.git_runner import GitFailed, GitRunner
from sandboxes.git.landing import Landing
from sandboxes.git.lineage import as_patterns, lineage
from sandboxes.git.links import ends
from sandboxes.git.pushing import push
from sandboxes.git.snapshot import AUTHOR, take_snapshot
from sandboxes.git.user_repository import UserRepository
from sandboxes.git.writing import write
from sandboxes.text import clean

_Entry = tuple[str, str, str, str]  # mode, object, size in bytes, path
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_DIFF_BYTES = 2 << 20
_DIFF_S = 120.0
_DIFF = ("core.bigFileThreshold=16m",)  # larger files are compared, not shown line by line
# A few objects can make a tree of any size. Listings and archives are held in memory.
_LISTING_BYTES = 32 << 20  # some 300,000 files
_SUBMODULE = "160000"
_ATTRIBUTES = ".gitattributes"
# Git LFS's specification: what a pointer begins with, and that it is smaller.
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_POINTER_BYTES = 1024


class GitRepositories:
    """Implements labcrew.domain.repository.Repositories with git.

    Args:
        root: the home's folder of repositories; made when first used.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._git = GitRunner(self._root)

    def inspect(self, repository: str, commit: str) -> Checkout:
        self._git.prepare()
        return UserRepository.open(self._git, repository).inspect(commit)

    def take(self, name: str, repository: Path, commit: str, *, snapshot: bool) -> str:
        self._git.prepare()
        user = UserRepository.open(self._git, str(repository))
        full = user.resolve(commit)
        with self._locked(name):
            bare = self._make(name, user.object_format())
            if not self._has_ref(bare, f"refs/labcrew/taken/{full}"):
                user.copy_into(bare, full, f"refs/labcrew/taken/{full}")
            self._fitting(bare, full)
            if not snapshot:
                return full
            taken = take_snapshot(self._git, bare, user, full)
            self._fitting(bare, taken)
            self._git.run(bare, "update-ref", f"refs/labcrew/taken/{taken}", taken)
            return taken

    def committed_at(self, name: str, commit: str) -> str:
        bare = self._open(name)
        full = self._commit(bare, commit)
        seconds = int(self._git.run(bare, "log", "-1", "--format=%ct", full).decode().strip())
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

    def history(self, name: str, commit: str, most: int = 500) -> tuple[str, ...]:
        bare = self._open(name)
        full = self._commit(bare, commit)
        count = f"--max-count={most}"
        listed = self._git.run(bare, "rev-list", "--first-parent", count, full, "--")
        return tuple(listed.decode().split())

    def files(self, name: str, commit: str) -> tuple[str, ...]:
        bare = self._open(name)
        return tuple(path for _, _, _, path in self._tree(bare, self._commit(bare, commit)))

    def links(self, name: str, commit: str) -> Mapping[str, str | None]:
        bare = self._open(name)
        return ends(self._targets(bare, self._tree(bare, self._commit(bare, commit))))

    def lacking(self, name: str, commit: str) -> Lacking:
        bare = self._open(name)
        listed = list(self._listed(bare, self._commit(bare, commit)))
        files = [entry for entry in listed if entry[0] != _SUBMODULE]
        held = {".", *(place for _, _, _, path in files for place in prefixes(path))}
        return Lacking(
            submodules=tuple(path for mode, _, _, path in listed if mode == _SUBMODULE),
            links=tuple(
                p for p, end in ends(self._targets(bare, files)).items() if end not in held
            ),
            pointers=self._pointers(bare, files),
        )

    def lineage(
        self, name: str, commit: str, patterns: tuple[str, ...], most: int = 500
    ) -> Mapping[str, tuple[str, ...]]:
        commits = self.history(name, commit, most)
        bare = self._open(name)
        tree = {path: blob for _, blob, _, path in self._tree(bare, commits[0])}
        empty = self._git.line(bare, "hash-object", "--stdin")
        found = lineage(self._git, bare, commits, tree, patterns, empty)
        return {one: as_patterns(paths) for one, paths in found.items()}

    def read(self, name: str, commit: str, path: str, cap_mb: int = 16) -> bytes:
        bare = self._open(name)
        full = self._commit(bare, commit)
        command = ("--literal-pathspecs", "ls-tree", "-z", "--long", full, "--", path)
        try:
            listing = self._git.run(bare, *command)
        except GitFailed:
            raise NotFound(f"{path!r} is not in commit {full[:12]}") from None
        for entry in _entries(listing):
            mode, blob, size, found = entry
            if found != path:
                continue
            if mode not in {"100644", "100755"}:
                raise BoundaryError(f"{path} is not a regular file in commit {full[:12]}")
            if int(size) > cap_mb << 20:
                raise BoundaryError(f"{path} holds {size} bytes; {cap_mb} MiB may be read")
            return self._git.run(bare, "cat-file", "blob", blob)
        raise NotFound(f"{path} is not in commit {full[:12]}")

    def archive(self, name: str, commit: str, without: tuple[str, ...] = ()) -> bytes:
        bare = self._open(name)
        full = self._commit(bare, commit)
        entries = self._fitting(bare, full)
        targets = self._targets(bare, entries)
        out = [
            path
            for _, _, _, path in entries
            if matches(path, without) or (path in targets and escapes(path, targets[path]))
        ]
        if out:
            full = self._without(bare, full, out)
        return self._git.run(bare, "archive", "--format=tar", full)

    def bundle(self, name: str, commit: str) -> bytes:
        bare = self._open(name)
        full = self._commit(bare, commit)
        ref = f"refs/labcrew/bundled/{full}"
        self._git.run(bare, "update-ref", ref, full)
        return self._git.run(bare, "bundle", "create", "-q", "-", ref)

    def land(
        self, name: str, bundle: bytes, *, base: str, ref: str, editable: tuple[str, ...]
    ) -> str:
        bare = self._open(name)
        with self._locked(name):
            return Landing(self._git, bare, self._root).land(
                bundle, base=self._commit(bare, base), ref=ref, editable=editable
            )

    def write(
        self,
        name: str,
        parent: str,
        files: Mapping[str, bytes | None],
        *,
        message: str,
        at: datetime,
        ref: str,
        editable: tuple[str, ...],
    ) -> str:
        bare = self._open(name)
        with self._locked(name):
            return write(
                self._git, bare, self._commit(bare, parent), files, message=message, at=at,
                ref=ref, editable=editable,
            )  # fmt: skip

    def change(self, name: str, base: str, head: str) -> Change:
        bare = self._open(name)
        old, new = self._commit(bare, base), self._commit(bare, head)
        flags = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")
        files, added, removed = [], 0, 0
        numbers = self._git.run(
            bare, "diff", "--numstat", "-z", *flags, old, new, timeout_s=_DIFF_S, settings=_DIFF
        )
        for line in numbers.split(b"\0"):
            if not line:
                continue
            plus, minus, path = line.split(b"\t", 2)
            files.append(clean(_text(path)).translate(_ONE_LINE))
            added += 0 if plus == b"-" else int(plus)
            removed += 0 if minus == b"-" else int(minus)
        raw = self._git.run(
            bare, "diff", *flags, old, new,
            limit_bytes=_DIFF_BYTES, timeout_s=_DIFF_S, settings=_DIFF,
        )  # fmt: skip
        note = "\n… (the rest of the difference is not shown)\n" if len(raw) == _DIFF_BYTES else ""
        return Change(
            diff=clean(raw) + note, files=tuple(files), insertions=added, deletions=removed
        )

    def changed_files(self, name: str, base: str, head: str) -> tuple[ChangedFile, ...]:
        bare = self._open(name)
        return changed_files(self._git, bare, self._commit(bare, base), self._commit(bare, head))

    def file_patch(
        self, name: str, base: str, head: str, file: ChangedFile, cap_bytes: int = 1 << 19
    ) -> FilePatch:
        bare = self._open(name)
        old, new = self._commit(bare, base), self._commit(bare, head)
        return file_patch(self._git, bare, old, new, file, cap_bytes)

    def publish(self, name: str, commit: str, repository: Path, branch: str) -> None:
        bare = self._open(name)
        user = UserRepository.open(self._git, str(repository))
        user.publish(bare, self._commit(bare, commit), branch)

    def merge(self, repository: Path, branch: str, commit: str) -> MergeOutcome:
        self._git.prepare()
        return UserRepository.open(self._git, str(repository)).merge(branch, commit)

    def push(
        self, name: str, commit: str, address: str, branch: str, *, expected: str | None, token: str
    ) -> None:
        bare = self._open(name)
        push(
            self._git, bare, self._commit(bare, commit), address, branch,
            expected=expected, token=token,
        )  # fmt: skip

    def _without(self, bare: Path, commit: str, paths: list[str]) -> str:
        """A commit without some paths, the same each time."""
        with (
            full_disk.translated(f"No space left in {self._root}"),
            tempfile.TemporaryDirectory(dir=self._root, prefix=".index-") as folder,
        ):
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            self._git.run(bare, "read-tree", commit, environment=index)
            removals = b"".join(
                b"0 " + b"0" * len(commit) + b"\t" + path.encode("utf-8", "surrogateescape") + b"\0"
                for path in paths
            )
            self._git.run(
                bare, "update-index", "-z", "--index-info", stdin=removals, environment=index
            )
            tree = self._git.run(bare, "write-tree", environment=index).decode().strip()
        made = self._git.run(bare, "commit-tree", tree, "-m", "partial copy", environment=AUTHOR)
        return made.decode().strip()

    def _targets(self, bare: Path, entries: Iterable[_Entry]) -> dict[str, str]:
        """What each symbolic link among some files says."""
        links = {path: blob for mode, blob, _, path in entries if mode == "120000"}
        targets = self._blobs(bare, list(links.values()))
        return {path: _text(target) for path, target in zip(links, targets, strict=True)}

    def _pointers(self, bare: Path, files: list[_Entry]) -> tuple[str, ...]:
        """The files that stand for what Git LFS holds."""
        attributes = [blob for _, blob, _, path in files if path.rpartition("/")[2] == _ATTRIBUTES]
        if not any(b"filter=lfs" in text for text in self._blobs(bare, attributes)):
            return ()
        small = {path: blob for _, blob, size, path in files if int(size) < _POINTER_BYTES}
        contents = self._blobs(bare, list(small.values()))
        return tuple(
            path for path, text in zip(small, contents, strict=True) if text.startswith(_POINTER)
        )

    def _blobs(self, bare: Path, blobs: list[str]) -> list[bytes]:
        """The contents of some small blobs, read in one go."""
        if not blobs:
            return []
        ask = "".join(f"{blob}\n" for blob in blobs).encode()
        answer = self._git.run(bare, "cat-file", "--batch", stdin=ask)
        found = []
        position = 0
        for _ in blobs:
            end = answer.index(b"\n", position)
            size = int(answer[position:end].split()[2])
            found.append(answer[end + 1 : end + 1 + size])
            position = end + 1 + size + 1
        return found

    def _fitting(self, bare: Path, commit: str) -> list[_Entry]:
        """The files of a commit, which are few and small enough to be handed on."""
        entries = list(self._tree(bare, commit))
        check_size(f"commit {commit[:12]}", sum(int(size) for _, _, size, _ in entries))
        return entries

    def _tree(self, bare: Path, commit: str) -> Iterator[_Entry]:
        return (entry for entry in self._listed(bare, commit) if entry[0] != _SUBMODULE)

    def _listed(self, bare: Path, commit: str) -> Iterator[_Entry]:
        command = ("ls-tree", "-r", "-z", "--long", commit)
        listing = self._git.run(bare, *command, limit_bytes=_LISTING_BYTES)
        if len(listing) == _LISTING_BYTES:
            raise RepositoryError(
                f"Commit {commit[:12]} holds too many files: their list alone is longer than"
                f" {_LISTING_BYTES >> 20} MiB",
                "Keep data outside the repository and name it in the ticket's `data`.",
            )
        return _entries(listing)

    def _commit(self, bare: Path, commit: str) -> str:
        if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
            return commit
        try:
            return self._git.line(
                bare, "rev-parse", "--verify", "-q", "--end-of-options", f"{commit}^{{commit}}"
            )
        except GitFailed:
            raise NotFound(f"{commit!r} is not a commit of the trusted copy {bare.stem}") from None

    def _open(self, name: str) -> Path:
        self._git.prepare()
        bare = self._path(name)
        if not (bare / "labcrew-ready").exists():
            raise NotFound(f"There is no trusted copy named {name!r}; the ticket was never taken")
        return bare

    def _make(self, name: str, object_format: str) -> Path:
        bare = self._path(name)
        if not (bare / "labcrew-ready").exists():
            # A killed start is simply done again: `git init` leaves what is there.
            self._git.run(
                self._root, "init", "-q", "--bare", "--template=", "--initial-branch=labcrew",
                f"--object-format={object_format}", str(bare),
            )  # fmt: skip
            (bare / "info").mkdir(exist_ok=True)
            (bare / "info" / "attributes").write_text(f"{AS_STORED}\n")
            (bare / "labcrew-ready").touch()
        return bare

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise NotFound(f"{name!r} can't be the name of a repository")
        return self._root / f"{name}.git"

    def _has_ref(self, bare: Path, ref: str) -> bool:
        return self._git.succeeds(bare, "show-ref", "--verify", "--quiet", ref)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """One writer at a time. Raises StorageFull where there is no space for what it writes."""
        path = self._path(name).with_suffix(".lock")
        with full_disk.translated(f"No space left in {self._root}"), path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


_ONE_LINE = str.maketrans("\n\r", "  ")


def _entries(listing: bytes) -> Iterator[_Entry]:
    """The lines of `ls-tree -z --long`."""
    for line in listing.split(b"\0"):
        if line:
            meta, _, path = line.partition(b"\t")
            mode, _, blob, size = meta.decode().split()
            yield mode, blob, size, _text(path)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


__all__ = ["GitRepositories", "RepositoryError"]
