"""A repository as a stranger may have made it: what its own configuration can't bring about."""

from pathlib import Path

import pytest

from labcrew.domain.repository import Repositories
from labcrew.errors import RepositoryError
from tests.sandboxes.fixtures import UserFolder


@pytest.mark.parametrize("name", ["f", "a=b", "a=b=", "", 'q"\\ .c', "é"])
def test_no_filter_runs_whatever_its_name(
    repositories: Repositories, user: UserFolder, tmp_path: Path, name: str
) -> None:
    marker = tmp_path / "ran"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    with (user.path / ".git" / "config").open("a") as config:
        for word in ("clean", "process"):
            config.write(f'[filter "{quoted}"]\n\t{word} = "touch {marker}; cat"\n\trequired\n')
    (user.path / ".git" / "info").mkdir(exist_ok=True)
    (user.path / ".git" / "info" / "attributes").write_text(f"* filter={name}\n")
    user.write("train.py", (user.path / "train.py").read_text().swapcase())
    found = repositories.inspect(str(user.path), "HEAD")
    assert found.dirty
    repositories.take("t", user.path, "HEAD", snapshot=True)
    assert not marker.exists()


def test_more_filters_than_can_be_taken_away(repositories: Repositories, user: UserFolder) -> None:
    with (user.path / ".git" / "config").open("a") as config:
        config.write("".join(f'[filter "{n:0>99}"]\n\tclean = false\n' for n in range(1000)))
    with pytest.raises(RepositoryError, match="too many filters"):
        repositories.inspect(str(user.path), "HEAD")


def test_a_tag_with_the_branchs_name(repositories: Repositories, user: UserFolder) -> None:
    user.git("tag", "main")
    found = repositories.inspect(str(user.path), "HEAD")
    assert found.branch == "main"
    assert repositories.merge(user.path, found.branch, found.commit).state == "already"


def test_a_head_that_is_no_branch(repositories: Repositories, user: UserFolder) -> None:
    user.git("update-ref", "refs/elsewhere/x", "HEAD")
    user.git("symbolic-ref", "HEAD", "refs/elsewhere/x")
    found = repositories.inspect(str(user.path), "HEAD")
    assert found.branch is None
    assert "no branch to merge to" in found.warnings[0]


@pytest.mark.parametrize("named", ["around", "beside"])
def test_a_work_tree_that_is_not_its_own(
    repositories: Repositories, user: UserFolder, tmp_path: Path, named: str
) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "private").write_text("secret")
    folder = {"around": tmp_path, "beside": tmp_path / "beside"}[named]
    user.git("config", "core.worktree", str(folder))
    for path in (user.path, user.path / ".git", user.path / "data"):
        with pytest.raises(RepositoryError, match="another folder than its own"):
            repositories.inspect(str(path), "HEAD")
        with pytest.raises(RepositoryError, match="another folder than its own"):
            repositories.take("t", path, "main", snapshot=True)


def test_work_trees_whose_git_folder_lies_elsewhere(
    repositories: Repositories, user: UserFolder, tmp_path: Path
) -> None:
    user.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    user.git("clone", "-q", f"--separate-git-dir={tmp_path}/apart", ".", str(tmp_path / "clone"))
    user.git("submodule", "--quiet", "add", str(user.path), "module")
    (tmp_path / "link").symlink_to(user.path)
    for path in ("linked", "clone", "lab/module", "link"):
        found = repositories.inspect(str(tmp_path / path), "HEAD")
        assert found.repository == (tmp_path / path).resolve(), path
