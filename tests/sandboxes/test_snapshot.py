"""Snapshots of a working tree: how much of it is copied."""

from pathlib import Path

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


def test_what_a_sparse_checkout_leaves_out_stays(
    repositories: Repositories, user: UserFolder
) -> None:
    user.write("other/deep/kept.py", "1\n")
    commit = user.commit()
    user.git("sparse-checkout", "set", "data")
    assert not (user.path / "other").exists()
    assert repositories.take("lab", user.path, "HEAD", snapshot=True) == commit
    user.write("data/train.csv", "a,b\n5,6\n")
    (user.path / "data/holdout.csv").unlink()
    taken = repositories.take("lab", user.path, "HEAD", snapshot=True)
    changed = {file.path: file.state for file in repositories.changed_files("lab", commit, taken)}
    assert changed == {"data/train.csv": "changed", "data/holdout.csv": "removed"}


def test_modes_and_links_that_a_file_system_lacks_stay(
    repositories: Repositories, user: UserFolder
) -> None:
    (user.path / "link").symlink_to("train.py")
    (user.path / "evaluate.py").chmod(0o755)
    commit = user.commit()
    user.git("config", "core.fileMode", "false")
    user.git("config", "core.symlinks", "false")
    (user.path / "link").unlink()
    user.git("checkout", "--", "link")
    assert not (user.path / "link").is_symlink()
    for path in ("train.py", "data/train.csv"):
        (user.path / path).chmod(0o777)
    (user.path / "evaluate.py").chmod(0o644)
    assert repositories.take("lab", user.path, "HEAD", snapshot=True) == commit


@pytest.mark.parametrize("told", ["here", "everywhere"])
def test_line_ends_that_only_the_working_tree_has_are_not_stored(
    repositories: Repositories,
    user: UserFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
) -> None:
    everywhere = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(everywhere))
    where = ("--local",) if told == "here" else ("--file", str(everywhere))
    user.git("config", *where, "core.autocrlf", "true")
    commit = user.head()
    for path in ("train.py", "data/train.csv"):
        content = (user.path / path).read_bytes()
        (user.path / path).write_bytes(content.replace(b"\n", b"\r\n"))
    assert repositories.take("lab", user.path, "HEAD", snapshot=True) == commit
    (user.path / "train.py").write_bytes(b"x = 1\r\n")
    taken = repositories.take("lab", user.path, "HEAD", snapshot=True)
    assert repositories.read("lab", taken, "train.py") == b"x = 1\n"
    user.git("config", "core.autocrlf", "false")
    taken = repositories.take("lab", user.path, "HEAD", snapshot=True)
    assert repositories.read("lab", taken, "train.py") == b"x = 1\r\n"
