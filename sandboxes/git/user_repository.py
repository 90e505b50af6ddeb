"""The user's own repository: looked at, copied from, given one branch, fast-forwarded."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from labcrew.domain.repository import Checkout, MergeOutcome
from labcrew.errors import RepositoryError
from labcrew.given_path import given_path
from sandboxes.git.belonging import check_belonging, place
from sandboxes.git.git_runner import GitFailed, GitRunner, line_ends, user_ignore_file


@dataclass(frozen=True)
class UserRepository:
    """A repository of the user's, opened without hooks, monitors or background work.

    Attributes:
        git: what runs git.
        folder: the working tree's root, or the bare folder.
        work_tree: the working tree's root; None for a bare repository.
    """

    git: GitRunner
    folder: Path
    work_tree: Path | None

    @classmethod
    def open(cls, git: GitRunner, repository: str) -> UserRepository:
        """Finds the repository. Raises RepositoryError where there is none, InputError where none
        could be called so."""
        path = given_path(repository).absolute()
        if not path.exists():
            raise RepositoryError(
                f"{path} does not exist", "Give the path of a git repository on this machine."
            )
        if not path.is_dir():
            raise RepositoryError(f"{path} is a file, not a git repository")
        try:
            bare = git.line(path, "rev-parse", "--is-bare-repository") == "true"
            inside = git.line(path, "rev-parse", "--is-inside-work-tree") == "true"
            own = place(git, path, "--absolute-git-dir")
            check_belonging(git, path, own)
            if inside:
                top = place(git, path, "--show-toplevel")
            elif bare or own.name != ".git":
                return cls(git, own, None)
            else:  # someone named the .git folder itself
                top = own.parent
        except GitFailed as error:
            reason = error.text.splitlines()[-1] if error.text else "git can't open it"
            raise RepositoryError(
                f"{path} is not a git repository ({reason})",
                "Make one with `git init`, `git add` and `git commit`, or correct the path.",
            ) from None
        if not _belongs(git, top, own):
            raise RepositoryError(
                f"{own} takes another folder than its own for its working tree",
                "Take `core.worktree` out of its configuration, or make an ordinary clone.",
            )
        return cls(git, top, top)

    def inspect(self, commit: str) -> Checkout:
        """What the ticket needs to know of it. Raises RepositoryError."""
        full = self.resolve(commit)
        branch = self._head_branch()
        shallow = self.git.line(self.folder, "rev-parse", "--is-shallow-repository") == "true"
        warnings = []
        dirty = False
        if self.work_tree is not None:
            changed, untracked = self._state()
            dirty = bool(changed or untracked)
            if dirty:
                counts = ((changed, "changed"), (untracked, "new"))
                parts = [f"{count} {word}" for count, word in counts if count]
                warnings.append(
                    f"The working tree has {' and '.join(parts)} files or folders that are not"
                    f" committed; work starts from commit {full[:12]} without them unless the"
                    " ticket says `snapshot: true`."
                )
        if branch is None:
            warnings.append(
                "HEAD is detached, so there is no branch to merge to; name one with `branch`."
            )
        if shallow:
            warnings.append("The repository is shallow: its older history is not there to be read.")
        return Checkout(
            repository=self.folder,
            commit=full,
            branch=branch,
            dirty=dirty,
            shallow=shallow,
            warnings=tuple(warnings),
        )

    def resolve(self, commit: str) -> str:
        """The full id of a commit that may be named in any way git knows."""
        if not commit or commit.startswith("-") or "\0" in commit or "\n" in commit:
            raise RepositoryError(f"{commit!r} can't name a commit")
        try:
            return self.git.line(
                self.folder, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}"
            )
        except GitFailed as error:
            if not self._has_commits():
                raise RepositoryError(
                    f"{self.folder} has no commits yet", "Commit the files that work starts from."
                ) from None
            if "ambiguous" in error.text and "short" in error.text:
                raise RepositoryError(
                    f"{commit!r} fits several commits of {self.folder}", "Give more of its digits."
                ) from None
            raise RepositoryError(
                f"{commit!r} is not a commit of {self.folder}",
                "Name a branch, a tag or a commit id that `git log` there shows.",
            ) from None

    def object_format(self) -> str:
        """The hash its ids are made with: sha1 or sha256."""
        return self.git.line(self.folder, "rev-parse", "--show-object-format")

    def copy_into(self, bare: Path, commit: str, ref: str) -> None:
        """Fetches a commit and its history into a trusted repository."""
        try:
            self.git.run(
                bare, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
                "--update-shallow", "--upload-pack=git-upload-pack",
                "--end-of-options", str(self.folder), f"{commit}:{ref}",
            )  # fmt: skip
        except GitFailed as error:
            raise RepositoryError(
                f"Commit {commit[:12]} of {self.folder} could not be copied: {error.text[-500:]}",
                "Check it with `git fsck`; a partial clone must be completed first.",
            ) from error

    def working_files(self) -> tuple[dict[bytes, int], set[bytes]]:
        """The working tree's files, tracked or not ignored, with their sizes in bytes, and the
        paths that stay as they are committed: submodules, and what it is told to leave out."""
        kept = set()
        for entry in self._run("ls-files", "-z", "-t", "--stage").split(b"\0"):
            tag, _, rest = entry.partition(b" ")
            if tag == b"S" or rest.startswith(b"160000"):  # S: left out of the checkout
                kept.add(rest.partition(b"\t")[2])
        assert self.work_tree is not None
        present = {}
        names = self._run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in names.split(b"\0"):
            if not name or name in kept:
                continue
            try:
                found = (self.work_tree / os.fsdecode(name)).lstat()
            except OSError:  # tracked, and gone from the working tree
                continue
            # A folder here is somebody's nested repository: it is no part of this one.
            if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                present[name] = found.st_size
        return present, kept

    def storing(self) -> tuple[str, ...]:
        """The settings by which git reads modes, links and line ends from the working tree."""
        found = {"core.filemode": "true", "core.symlinks": "true", "core.autocrlf": line_ends()}
        pattern = f"^({'|'.join(map(re.escape, found))})$"
        for entry in self._configured("--get-regexp", pattern):
            key, told, value = os.fsdecode(entry).partition("\n")
            found[key] = value if told else "true"
        return tuple(f"{key}={value}" for key, value in found.items())

    def publish(self, bare: Path, commit: str, branch: str) -> None:
        """Makes a branch at a trusted commit; nothing if it stands there already."""
        ref = self._branch_ref(branch)
        present = self.git.commit_at(self.folder, ref)
        if present == commit:
            return
        if present is not None:
            raise RepositoryError(
                f"Branch {branch} of {self.folder} exists already, at {present[:12]}",
                f"Rename or delete it (`git branch -m {branch} NEW`), then resume the ticket.",
            )
        try:
            self.git.run(
                self.folder, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
                "--no-recurse-submodules", "--upload-pack=git-upload-pack",
                "--end-of-options", str(bare), commit,
            )  # fmt: skip
            self.git.run(
                self.folder, "update-ref", "-m", "labcrew: new branch", ref, commit,
                "0" * len(commit), environment=_REFLOG,
            )  # fmt: skip
        except GitFailed as error:
            if self.git.commit_at(self.folder, ref) == commit:
                return  # another call was first
            raise RepositoryError(
                f"Branch {branch} could not be made in {self.folder}: {error.text[-500:]}"
            ) from error

    def merge(self, branch: str, commit: str) -> MergeOutcome:
        """Fast-forwards a branch, unless it is checked out or has moved."""
        ref = self._branch_ref(branch)
        old = self.git.commit_at(self.folder, ref)
        if old is None:
            raise RepositoryError(f"{self.folder} has no branch {branch}")
        try:
            new = self.git.line(
                self.folder, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}"
            )
        except GitFailed:
            raise RepositoryError(
                f"Commit {commit[:12]} is not in {self.folder} yet; its branch was not published"
            ) from None
        if self.git.succeeds(self.folder, "merge-base", "--is-ancestor", new, old):
            return MergeOutcome(state="already", message=f"{branch} holds {new[:12]} already.")
        moved = MergeOutcome(
            state="moved",
            message=f"{branch} has moved on to {old[:12]}, so {new[:12]} can't be fast-forwarded;"
            f" merge or rebase it by hand.",
        )
        if not self.git.succeeds(self.folder, "merge-base", "--is-ancestor", old, new):
            return moved
        place = self._checked_out(ref)
        if place is not None:
            return MergeOutcome(
                state="checked_out",
                message=f"{branch} is checked out; run: git -C {_quoted(place)} merge --ff-only"
                f" {new}",
            )
        try:
            self.git.run(
                self.folder, "update-ref", "-m", "labcrew: merge", ref, new, old,
                environment=_REFLOG,
            )  # fmt: skip
        except GitFailed as error:
            if self.git.commit_at(self.folder, ref) == old:
                raise RepositoryError(
                    f"{branch} of {self.folder} could not be moved: {error.text[-500:]}"
                ) from error
            return moved
        return MergeOutcome(state="merged", message=f"{branch} is now at {new[:12]}.")

    def _checked_out(self, ref: str) -> str | None:
        place = ""
        for line in self._run("worktree", "list", "--porcelain").splitlines():
            word, _, rest = line.partition(b" ")
            if word == b"worktree":
                place = os.fsdecode(rest)
            elif word == b"branch" and os.fsdecode(rest) == ref:
                return place
        return None

    def _state(self) -> tuple[int, int]:
        listing = self._run(
            "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames",
            "--ignore-submodules=all",
        )  # fmt: skip
        lines = [line for line in listing.split(b"\0") if line]
        untracked = sum(line.startswith(b"??") for line in lines)
        return len(lines) - untracked, untracked

    def _head_branch(self) -> str | None:
        try:
            # Not the short name: where a tag has the same, that is longer than the branch's.
            ref = self.git.line(self.folder, "symbolic-ref", "-q", "HEAD")
        except GitFailed:
            return None
        return ref.removeprefix(_BRANCHES) if ref.startswith(_BRANCHES) else None

    def _has_commits(self) -> bool:
        return bool(self.git.run(self.folder, "rev-list", "-n", "1", "--all"))

    def _branch_ref(self, branch: str) -> str:
        ref = _BRANCHES + branch
        if branch.startswith("-") or not re.fullmatch(r"[^\0\n]+", branch):
            raise RepositoryError(f"{branch!r} can't be the name of a branch")
        try:
            self.git.run(self.folder, "check-ref-format", ref)
        except GitFailed:
            raise RepositoryError(f"{branch!r} can't be the name of a branch") from None
        return ref

    def _run(self, *arguments: str) -> bytes:
        """git in the user's folder, with the user's own list of ignored files."""
        settings = (f"core.excludesFile={user_ignore_file()}",)
        return self.git.run(
            self.folder, *arguments, settings=settings, environment=self._no_filters()
        )

    def _no_filters(self) -> dict[str, str]:
        """Variables that take the programs away from the filters that the repository names.

        `-c` can't say it: a filter may be named `a=b`, and what it reads as a key ends at the `=`.
        """
        named = self._configured("--name-only", "--get-regexp", r"^filter\..*")
        if sum(map(len, named)) > _FILTER_BYTES:
            raise RepositoryError(
                f"The configuration of {self.folder} names too many filters",
                "Take `[filter …]` sections out of it that no .gitattributes needs.",
            )
        filters = sorted({entry.rpartition(b".")[0] for entry in named})
        pairs = [
            (f"{os.fsdecode(filter_)}.{word}", value)
            for filter_ in filters
            for word, value in _NO_PROGRAM.items()
        ]
        variables = {"GIT_CONFIG_COUNT": str(len(pairs))}
        for number, (key, value) in enumerate(pairs):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables

    def _configured(self, *asked: str) -> list[bytes]:
        """What the repository's configuration answers; nothing where it says nothing of it."""
        try:
            told = self.git.run(self.folder, "config", "-z", *asked)
        except GitFailed as error:
            if error.status != 1:
                raise
            return []
        return [entry for entry in told.split(b"\0") if entry]


_NO_PROGRAM = {"clean": "", "smudge": "", "process": "", "required": "false"}
_FILTER_BYTES = 1 << 16  # what a command line can carry
_BRANCHES = "refs/heads/"
_REFLOG = {"GIT_COMMITTER_NAME": "labcrew", "GIT_COMMITTER_EMAIL": "labcrew@localhost"}


def _belongs(git: GitRunner, top: Path, own: Path) -> bool:
    """Whether a folder is the root of that git folder's files: its word alone could name any."""
    try:
        found = place(git, top, "--absolute-git-dir"), place(git, top, "--show-toplevel")
    except GitFailed:
        return False
    return found == (own, top)


def _quoted(path: str) -> str:
    return path if re.fullmatch(r"[\w./@+-]+", path) else "'" + path.replace("'", "'\\''") + "'"
