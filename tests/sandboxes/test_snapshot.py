"""Snapshots of a working tree: how much of it is copied."""

import pytest

from labcrew.domain.repository import Repositories
from labcrew.errors import RepositoryError
from sandboxes.git import fitting
from tests.sandboxes.fixtures import UserFolder


@pytest.fixture
def most_bytes(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(fitting, "MOST_BYTES", 1 << 20)
    return fitting.MOST_BYTES


def copied(user: UserFolder) -> int:
    """How many files stand in the trusted copies."""
    home = user.path.parent / "home"
    return sum(path.is_file() for path in home.rglob("objects/*/*"))


@pytest.mark.parametrize("path", ["data/new.bin", "train.py"])
def test_what_is_too_large_is_refused_before_it_is_copied(
    repositories: Repositories, user: UserFolder, most_bytes: int, path: str
) -> None:
    repositories.take("lab", user.path, "HEAD", snapshot=False)
    before = copied(user)
    user.write("data/small.csv", "1,2\n")
    with (user.path / path).open("wb") as file:
        file.truncate(most_bytes + 1)
    with pytest.raises(RepositoryError, match=f"The files of the working tree {user.path} hold"):
        repositories.take("lab", user.path, "HEAD", snapshot=True)
    assert copied(user) == before


def test_what_is_no_part_of_a_snapshot_does_not_count(
    repositories: Repositories, user: UserFolder, most_bytes: int
) -> None:
    for path in ("large.log", "nested/large.bin"):
        user.write(path, "")
        with (user.path / path).open("wb") as file:
            file.truncate(most_bytes + 1)
    UserFolder(user.path / "nested").git("init", "-q")
    (user.path / "link").symlink_to("large.log")
    (user.path / "train.py").unlink()
    taken = repositories.take("lab", user.path, "HEAD", snapshot=True)
    assert set(repositories.files("lab", taken)) == {
        ".gitignore", "data/holdout.csv", "data/train.csv", "evaluate.py", "link",
    }  # fmt: skip
