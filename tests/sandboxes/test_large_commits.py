"""Commits that a few objects make larger than this machine's memory."""

import pytest

from labcrew.errors import RepositoryError
from sandboxes.git.repositories import GitRepositories
from tests.sandboxes.fixtures import UserFolder


def _grown(user: UserFolder, mode: str, kind: str, leaf: str, rounds: int) -> str:
    """A commit whose tree holds an object 32 ** (rounds + 1) times."""
    for _ in range(rounds + 1):
        lines = "".join(f"{mode} {kind} {leaf}\t{name:0>32}\n" for name in range(32))
        leaf, mode, kind = user.git("mktree", stdin=lines.encode()), "040000", "tree"
    return user.git("commit-tree", leaf, "-m", "grown")


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_tree_that_is_never_unfolded(
    repositories: GitRepositories, user: UserFolder, snapshot: bool
) -> None:
    blob = user.git("hash-object", "-w", "--stdin", stdin=b"x")
    commit = _grown(user, "100644", "blob", blob, rounds=5)
    with pytest.raises(RepositoryError, match="too many files"):
        repositories.take("lab", user.path, commit, snapshot=snapshot)


@pytest.mark.parametrize("mode", ["100644", "120000"])
def test_files_that_are_never_copied(
    repositories: GitRepositories, user: UserFolder, mode: str
) -> None:
    blob = user.git("hash-object", "-w", "--stdin", stdin=bytes(3 << 20))
    commit = _grown(user, mode, "blob", blob, rounds=1)  # 3 GiB
    with pytest.raises(RepositoryError, match="3072 MiB"):
        repositories.take("lab", user.path, commit, snapshot=False)
    with pytest.raises(RepositoryError, match="3072 MiB"):
        repositories.archive("lab", commit)
