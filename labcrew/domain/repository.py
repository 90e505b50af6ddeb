"""The git boundary: what is asked of the trusted side; the port that sandboxes/ implements."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from labcrew.domain.base import Model


class Checkout(Model):
    """A user's repository, looked at without changing it."""

    repository: Path = Field(description="absolute; the working tree's root, or the bare folder")
    commit: str = Field(description="full id of the commit that was named")
    branch: str | None = Field(description="what is checked out; None when detached")
    dirty: bool = Field(description="the working tree differs from HEAD")
    shallow: bool
    warnings: tuple[str, ...] = ()


class Lacking(Model):
    """What a commit names and does not hold, so that no copy of it has it."""

    submodules: tuple[str, ...] = ()
    links: tuple[str, ...] = Field(default=(), description="they lead to no path of the commit")
    pointers: tuple[str, ...] = Field(default=(), description="files whose content Git LFS holds")


class Change(Model):
    """What lies between two commits."""

    diff: str = Field(description="unified, capped, cleaned of escape sequences")
    files: tuple[str, ...]
    insertions: int
    deletions: int


class ChangedFile(Model):
    """One file of what lies between two commits."""

    path: str = Field(description="in the newer commit; in the older one where it was removed")
    old_path: str = Field(description="in the older commit; another one where it was renamed")
    state: Literal["added", "removed", "changed", "renamed"]
    insertions: int | None = Field(description="lines; None: binary, or too large to compare")
    deletions: int | None
    old_mode: str = Field(description="git's, e.g. 100644; 000000: not there")
    new_mode: str


class FilePatch(Model):
    """How one file differs between two commits."""

    raw: bytes = Field(description="git's unified diff as it is: untrusted")
    whole: bool = Field(description="False: cut at the cap")


class MergeOutcome(Model):
    """How a merge ended."""

    state: Literal["merged", "already", "moved", "checked_out", "refused"] = Field(
        description="refused: a forge's rules forbid it now"
    )
    message: str = Field(description="one line for a person; holds the command for checked_out")


class Repositories(Protocol):
    """Trusted bare repositories of one home, and the narrow way in and out of them.

    No method runs git in a folder that a sandbox could write, with hooks, or with the user's
    configuration. Every method blocks; callers run it in a thread.
    """

    def inspect(self, repository: str, commit: str) -> Checkout:
        """Resolves a commit of the user's repository. Raises RepositoryError."""

    def take(self, name: str, repository: Path, commit: str, *, snapshot: bool) -> str:
        """Copies the commit and its history into the trusted repository `name`; answers its id.

        With `snapshot` the answer is a new commit that holds the working tree's tracked and
        untracked, not ignored, files; the user's repository and index stay byte-identical.
        Doing it again does nothing. Raises RepositoryError, also where the files are more than fits
        in memory, and StorageFull.
        """

    def committed_at(self, name: str, commit: str) -> str:
        """When a commit was made: ISO 8601, UTC."""

    def history(self, name: str, commit: str, most: int = 500) -> tuple[str, ...]:
        """The ids of a commit and those before it by first parents, newest first.

        A shallow history ends where it was cut off.
        """

    def files(self, name: str, commit: str) -> tuple[str, ...]:
        """The paths of a commit."""

    def links(self, name: str, commit: str) -> Mapping[str, str | None]:
        """The symbolic links of a commit: path → the path of the repository that it leads to.

        None: it leads out of the repository, and no copy has it.
        """

    def lacking(self, name: str, commit: str) -> Lacking:
        """What a commit names and does not hold: submodules, links that lead out, LFS contents."""

    def lineage(
        self, name: str, commit: str, patterns: tuple[str, ...], most: int = 500
    ) -> Mapping[str, tuple[str, ...]]:
        """Commit of the history → patterns of the files in it that match one of `patterns`, or that
        became a file which does, whatever they were called then.

        Raises BoundaryError where the history is too large to be followed.
        """

    def read(self, name: str, commit: str, path: str, cap_mb: int = 16) -> bytes:
        """A file of a commit. Raises NotFound, BoundaryError past the cap or on a link."""

    def archive(self, name: str, commit: str, without: tuple[str, ...] = ()) -> bytes:
        """A commit's files as an uncompressed tar, without paths that match a pattern.

        Raises RepositoryError where they are more than fits in memory.
        """

    def bundle(self, name: str, commit: str) -> bytes:
        """A commit with its history, to be cloned inside a sandbox."""

    def land(
        self, name: str, bundle: bytes, *, base: str, ref: str, editable: tuple[str, ...]
    ) -> str:
        """Checks what a sandbox made and lands it as objects and a ref; answers its commit.

        The commit must descend from `base` and change only `editable` paths (globs); gitlinks,
        escaping links, `.git*` paths and anything `fsck` objects to are refused. Landing the same
        twice does nothing. Raises BoundaryError.
        """

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
        """Commits files onto a commit and puts `ref` there; answers the commit.

        Nothing is run: contents are stored as they are given. Doing it again gives the same id.

        Args:
            name: the trusted repository.
            parent: the commit that it follows.
            files: path → content; None takes the file out.
            message: the commit's.
            at: when it is said to have been made.
            ref: begins with refs/.
            editable: the paths that may change (globs).

        Raises BoundaryError for paths that may not change, as `land` does.
        """

    def change(self, name: str, base: str, head: str) -> Change:
        """What `head` changes over `base`."""

    def changed_files(self, name: str, base: str, head: str) -> tuple[ChangedFile, ...]:
        """The files that differ between two commits, by path; renames are found."""

    def file_patch(
        self, name: str, base: str, head: str, file: ChangedFile, cap_bytes: int = 1 << 19
    ) -> FilePatch:
        """How one of `changed_files` differs, with three lines around each change."""

    def publish(self, name: str, commit: str, repository: Path, branch: str) -> None:
        """Makes a new branch in the user's repository, hooks off; nothing if it stands there.

        Raises RepositoryError if the branch exists with another commit.
        """

    def merge(self, repository: Path, branch: str, commit: str) -> MergeOutcome:
        """Fast-forwards the user's branch to the commit by compare-and-swap."""

    def push(
        self, name: str, commit: str, address: str, branch: str, *, expected: str | None, token: str
    ) -> None:
        """Puts a commit at a branch of another place, over http(s), by compare-and-swap.

        Args:
            address: without a user or a password.
            expected: the commit that the branch holds now; None: the branch is not there.
            token: reaches that one git process in its environment, and nothing else.

        Raises ForgeError: refused, moved, or out of reach.
        """
