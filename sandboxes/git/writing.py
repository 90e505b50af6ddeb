"""Commits that labcrew writes itself, from contents it holds: no sandbox takes part."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from labcrew.errors import BoundaryError
from sandboxes.git.changes import Changes, Listing
from sandboxes.git.commits import check_commit
from sandboxes.git.git_runner import GitFailed, GitRunner
from sandboxes.git.snapshot import AUTHOR


def write(
    git: GitRunner,
    bare: Path,
    parent: str,
    files: Mapping[str, bytes | None],
    *,
    message: str,
    at: datetime,
    ref: str,
    editable: tuple[str, ...],
) -> str:
    """A commit on `parent` with some files changed, judged as one that a sandbox made would be.

    See `labcrew.domain.repository.Repositories.write`.
    """
    if not ref.startswith("refs/") or not git.succeeds(bare, "check-ref-format", ref):
        raise BoundaryError(f"{ref!r} is not the name of a ref")
    before = _listing(git, bare, parent)
    with tempfile.TemporaryDirectory(dir=git.root, prefix=".index-") as folder:
        index = {"GIT_INDEX_FILE": f"{folder}/index"}
        git.run(bare, "read-tree", parent, environment=index)
        lines, wanted = [], {}
        for path, content in sorted(files.items()):
            name = path.encode()
            if content is None:
                mode, blob = b"0", b"0" * len(parent)
            else:
                kept = before.get(name, ("100644", ""))[0]
                mode = b"100755" if kept == "100755" else b"100644"
                blob = git.run(bare, "hash-object", "-w", "--stdin", stdin=content).strip()
            wanted[name] = (mode.decode(), blob.decode()) if content is not None else None
            lines.append(mode + b" " + blob + b"\t" + name + b"\0")
        try:
            git.run(
                bare, "update-index", "-z", "--index-info", stdin=b"".join(lines),
                environment=index,
            )  # fmt: skip
            tree = git.run(bare, "write-tree", environment=index).decode().strip()
        except GitFailed as error:
            raise BoundaryError(f"These files can't be committed: {error.text[:300]}") from None
    date = f"{int(at.timestamp())} +0000"
    author = AUTHOR | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    made = git.run(
        bare, "commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode(),
        environment=author,
    )  # fmt: skip
    commit = made.decode().strip()
    check_commit(commit, git.run(bare, "cat-file", "commit", commit))
    after = _listing(git, bare, commit)
    for path, _ in Changes(before, editable).links(after):
        raise BoundaryError(f"{path} would be a symbolic link")
    for name, entry in wanted.items():  # git leaves out, in silence, a path that it can't keep
        if after.get(name) != entry:
            raise BoundaryError(f"{name.decode()!r} can't be a file of this commit")
    git.run(bare, "update-ref", ref, commit)
    return commit


def _listing(git: GitRunner, bare: Path, commit: str) -> Listing:
    found: Listing = {}
    for line in git.run(bare, "ls-tree", "-r", "-z", commit).split(b"\0"):
        if line:
            meta, _, path = line.partition(b"\t")
            mode, _, blob = meta.decode("ascii").split(" ")
            found[path] = (mode, blob)
    return found
