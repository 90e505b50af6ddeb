"""Whether the git data that a folder names is its own: a `.git` file alone could name anybody's.

git follows a `.git` file, a link and `commondir` wherever they lead, so that a folder that came as
an archive could offer another repository's commits as its own. What lies outside of the folder
must therefore point back at it: a linked worktree by the file `gitdir` (git-worktree(1),
"DETAILS"), a submodule by `core.worktree` (gitsubmodules(7)). Borrowed objects (`alternates`) are
let be: only commits that the folder's own branches name are reached.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from labcrew import beneath
from labcrew.errors import LabcrewError, RepositoryError
from sandboxes.git.git_runner import GitRunner

_HISTORY = ("HEAD", "packed-refs", "objects", "refs")  # what git reads commits by
_PATH_BYTES = 1 << 16


def check_belonging(git: GitRunner, path: Path, own: Path) -> None:
    """Raises RepositoryError where a folder's git data is another repository's.

    Args:
        path: the folder that a person named.
        own: its git folder, as git found it.
    """
    path, own = path.resolve(), own.resolve()
    if place(git, own, "--absolute-git-dir").resolve() != own:
        raise _foreign(own, "holds another one, which git takes in its place")
    common = place(git, own, "--git-common-dir").resolve()
    linked = own.parent == common / "worktrees"
    if common != own and not linked:
        raise _foreign(own, f"takes its history from {common}, which does not know of it")
    if not path.is_relative_to(own):
        above = (path, *path.parents)
        holder = next((f for f in above if os.path.lexists(f / ".git")), path)
        if not common.is_relative_to(holder) and not _points_back(git, holder, own, linked):
            raise _unacknowledged(holder, own, linked)
    for link in _links(own, common):
        if not any(link.resolve().is_relative_to(folder) for folder in (own, common)):
            raise _foreign(own, f"leads out of itself: {link} is a link to {link.resolve()}")


def place(git: GitRunner, folder: Path, asked: str) -> Path:
    """A folder that `git rev-parse` answers, whatever stands in its name."""
    return folder / os.fsdecode(git.run(folder, "rev-parse", asked)[:-1])


def _points_back(git: GitRunner, holder: Path, own: Path, linked: bool) -> bool:
    """Whether a git folder elsewhere says itself that it is that folder's."""
    try:
        if linked:
            back = own / os.fsdecode(beneath.read(own, "gitdir", _PATH_BYTES)).rstrip("\n")
            return back.name == ".git" and back.parent.resolve() == holder
        named = os.fsdecode(git.run(own, "config", "-z", "--get", "core.worktree")[:-1])
        return (own / named).resolve() == holder
    except (LabcrewError, OSError, ValueError):
        return False


def _links(own: Path, common: Path) -> Iterator[Path]:
    """The symbolic links among what git reads commits by."""
    for folder in {own, common}:
        yield from (folder / name for name in _HISTORY if (folder / name).is_symlink())
        for root, folders, files in os.walk(folder / "refs"):
            found = (Path(root, name) for name in (*folders, *files))
            yield from (entry for entry in found if entry.is_symlink())


def _unacknowledged(holder: Path, own: Path, linked: bool) -> RepositoryError:
    folder = shlex.quote(str(holder))
    mend = "worktree repair" if linked else f"config core.worktree {folder}"
    return RepositoryError(
        f"{holder / '.git'} names {own} for its git folder, which does not know of {holder}",
        "Delete that file or link if it came from somebody else. If both are yours, have them know"
        f" each other: git -C {folder} {mend}",
    )


def _foreign(own: Path, trouble: str) -> RepositoryError:
    return RepositoryError(
        f"The git folder {own} {trouble}",
        "Give the repository itself, or an ordinary clone of it.",
    )
