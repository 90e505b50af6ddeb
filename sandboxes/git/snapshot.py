"""A commit of the user's working tree as it is now, made without writing to their repository."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from labcrew.errors import RepositoryError
from sandboxes.git.fitting import check_size
from sandboxes.git.git_runner import GitRunner

if TYPE_CHECKING:
    from sandboxes.git.user_repository import UserRepository

# Fixed, so that the same files on the same commit always make the same id.
AUTHOR = {
    "GIT_AUTHOR_NAME": "labcrew",
    "GIT_AUTHOR_EMAIL": "labcrew@localhost",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "labcrew",
    "GIT_COMMITTER_EMAIL": "labcrew@localhost",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def take_snapshot(git: GitRunner, bare: Path, user: UserRepository, commit: str) -> str:
    """The id of a commit on `commit` that holds the tracked and untracked, not ignored, files.

    Objects and index are labcrew's own; the user's folder is only read. Answers `commit` itself
    where nothing differs. Raises RepositoryError without a working tree, and, before anything is
    copied, where its files hold more than may be.
    """
    if user.work_tree is None:
        raise RepositoryError(
            f"{user.folder} is bare: it has no working tree to take a snapshot of",
            "Leave `snapshot` out, or name a clone with a working tree.",
        )
    present, kept = user.working_files()
    check_size(f"the working tree {user.work_tree}", sum(present.values()))
    with tempfile.TemporaryDirectory(dir=git.root, prefix=".index-") as folder:
        # Beside the trusted repository, of which the attributes take no line ends for the same.
        own = f"{folder}/git"
        form = git.line(bare, "rev-parse", "--show-object-format")
        git.run(bare, "init", "-q", "--bare", "--template=", f"--object-format={form}", own)
        environment = {
            "GIT_DIR": own,
            "GIT_OBJECT_DIRECTORY": str(bare / "objects"),
            "GIT_WORK_TREE": str(user.work_tree),
            "GIT_INDEX_FILE": f"{folder}/index",
        }
        settings = ("core.bare=false", *user.storing())
        git.run(bare, "read-tree", commit, environment=environment)
        tracked = git.run(bare, "ls-files", "-z", environment=environment).split(b"\0")
        keep = present.keys() | kept
        gone = [path for path in tracked if path and path not in keep]
        git.run(
            user.work_tree, "update-index", "-z", "--force-remove", "--stdin",
            stdin=b"".join(path + b"\0" for path in gone), environment=environment,
            settings=settings,
        )  # fmt: skip
        git.run(
            user.work_tree, "update-index", "-z", "--add", "--replace", "--stdin",
            stdin=b"".join(path + b"\0" for path in present), environment=environment,
            settings=settings,
        )  # fmt: skip
        tree = git.run(bare, "write-tree", environment=environment).decode().strip()
    if tree == git.line(bare, "rev-parse", f"{commit}^{{tree}}"):
        return commit
    message = "Snapshot of the working tree"
    made = git.run(bare, "commit-tree", tree, "-p", commit, "-m", message, environment=AUTHOR)
    return made.decode().strip()
