"""A repository as a stranger may have made it: what its own configuration can't bring about."""

import shutil
import subprocess
from collections.abc import Callable
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
    with pytest.raises(RepositoryError, match="does not know of") as refused:
        repositories.inspect(str(tmp_path / "clone"), "HEAD")
    subprocess.run(refused.value.remedy.partition(": ")[2].split(), check=True)
    user.git("submodule", "--quiet", "add", str(user.path), "module")
    user.git("-C", "module", "worktree", "add", "-q", str(tmp_path / "of-module"))
    (tmp_path / "link").symlink_to(user.path)
    for path in ("linked", "clone", "lab/module", "of-module", "link"):
        found = repositories.inspect(str(tmp_path / path), "HEAD")
        assert found.repository == (tmp_path / path).resolve(), path
    for path in ("lab/.git/modules/module", "lab/.git/worktrees/linked", "apart"):
        repositories.inspect(str(tmp_path / path), "HEAD")


def test_work_trees_beside_a_bare_repository(
    repositories: Repositories, user: UserFolder, tmp_path: Path
) -> None:
    around = tmp_path / "around"
    user.git("clone", "-q", "--bare", ".", str(around / ".bare"))
    (around / ".git").write_text("gitdir: ./.bare\n")
    user.git("-C", str(around), "worktree", "add", "-q", "one", "main")
    assert repositories.inspect(str(around), "HEAD").repository == around / ".bare"
    assert repositories.inspect(str(around / "one"), "HEAD").repository == around / "one"


def _git_folder(folder: Path, common: Path) -> None:
    """A git folder that git reads another's commits by."""
    folder.mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "commondir").write_text(f"{common}\n")


def _pointer(folder: Path, own: Path, common: Path) -> None:
    (folder / ".git").write_text(f"gitdir: {common}\n")


def _pointer_at_a_work_tree(folder: Path, own: Path, common: Path) -> None:
    (folder / ".git").write_text(f"gitdir: {common}/worktrees/real\n")


def _link(folder: Path, own: Path, common: Path) -> None:
    (folder / ".git").symlink_to(common)


def _common_folder(folder: Path, own: Path, common: Path) -> None:
    _git_folder(folder / ".git", common)


def _work_tree_of_its_own_making(folder: Path, own: Path, common: Path) -> None:
    (folder / ".git").write_text("gitdir: worktrees/x\n")
    (folder / "worktrees").mkdir()
    _git_folder(folder / "worktrees" / "x", common)
    (folder / "worktrees" / "x" / "gitdir").write_text(f"{folder}/.git\n")


def _repository_within_a_git_folder(folder: Path, own: Path, common: Path) -> None:
    shutil.copytree(own, folder / ".bare")
    (folder / ".git").write_text("gitdir: ./.bare\n")
    with (folder / ".bare" / "config").open("a") as config:
        config.write("[core]\n\tbare = true\n")
    _git_folder(folder / ".bare" / ".git", common)


def _linked_history(folder: Path, own: Path, common: Path) -> None:
    shutil.copytree(own, folder / ".git")
    for name in ("objects", "refs"):
        shutil.rmtree(folder / ".git" / name)
        (folder / ".git" / name).symlink_to(common / name)


def _linked_branch(folder: Path, own: Path, common: Path) -> None:
    shutil.copytree(own, folder / ".git")
    (folder / ".git" / "objects" / "info" / "alternates").write_text(f"{common}/objects\n")
    (folder / ".git" / "refs" / "heads" / "main").unlink()
    (folder / ".git" / "refs" / "heads" / "main").symlink_to(common / "refs" / "heads" / "main")


@pytest.mark.parametrize(
    "forge",
    [
        _pointer,
        _pointer_at_a_work_tree,
        _link,
        _common_folder,
        _work_tree_of_its_own_making,
        _repository_within_a_git_folder,
        _linked_history,
        _linked_branch,
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_git_data_that_is_somebody_elses(
    repositories: Repositories,
    user: UserFolder,
    tmp_path: Path,
    forge: Callable[[Path, Path, Path], None],
    bare: bool,
) -> None:
    """Neither read nor given a branch, for the other repository does not know of the folder."""
    private = UserFolder(tmp_path / "private")
    user.git("clone", "-q", ".", str(private.path))
    private.git("worktree", "add", "-q", str(tmp_path / "real"), "-b", "linked")
    private.git("config", "core.bare", str(bare).lower())
    forged, common = tmp_path / "forged", private.path / ".git"
    forged.mkdir()
    (forged / "inner").mkdir()
    forge(forged, user.path / ".git", common)
    before = private.bytes()
    for path in (forged, forged / "inner"):
        with pytest.raises(RepositoryError, match=r"does not know of|leads out of|another one"):
            repositories.inspect(str(path), "HEAD")
        with pytest.raises(RepositoryError):
            repositories.take("t", path, "HEAD", snapshot=False)
    assert private.bytes() == before
