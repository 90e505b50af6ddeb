"""A full disk, or a full quota, is told as one by whatever writes on the trusted side."""

import errno
import io
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcrew.domain.repository import Repositories
from labcrew.errors import StorageFull
from sandboxes.crossing.files import take
from sandboxes.git.git_runner import GitRunner
from tests.sandboxes.fixtures import UserFolder


@pytest.fixture(params=[errno.ENOSPC, errno.EDQUOT])
def full(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Stands in for a call of the system's that finds no space."""

    def call(*given: Any, **more: Any) -> Any:
        raise OSError(request.param, os.strerror(request.param))

    return call


@pytest.fixture
def git(tmp_path: Path) -> GitRunner:
    git = GitRunner(tmp_path / "repositories")
    git.prepare()
    return git


def test_the_input_of_git(
    git: GitRunner, monkeypatch: pytest.MonkeyPatch, full: Callable[..., Any]
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(StorageFull, match=f"No space left for git in {git.root}"):
        git.run(git.root, "hash-object", "--stdin", stdin=b"content")
    assert git.run(git.root, "hash-object", "--stdin"), "what reads nothing needs no space"


def test_the_input_of_git_lies_with_the_repositories(
    git: GitRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    kept = git.line(git.root, "hash-object", "--stdin")
    assert git.run(git.root, "hash-object", "--stdin", stdin=b"").decode().strip() == kept
    assert [path.name for path in git.root.iterdir()] == ["gitconfig"]


def test_the_quarantine_of_what_lands(
    repositories: Repositories,
    user: UserFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full: Callable[..., Any],
) -> None:
    user.write("train.py", "second\n")
    user.commit()
    user.git("clone", "-q", "--depth=1", f"file://{user.path}", str(tmp_path / "shallow"))
    base = repositories.take("lab", tmp_path / "shallow", "HEAD", snapshot=False)
    user.write("train.py", "third\n")
    tip = user.commit()
    user.git("bundle", "create", "-q", "work.bundle", "main", f"^{base}")
    bundle = (user.path / "work.bundle").read_bytes()

    def land() -> str:
        return repositories.land("lab", bundle, base=base, ref="refs/heads/x", editable=("**",))

    for call in ("tempfile.mkdtemp", "shutil.copyfile", "pathlib.Path.write_text"):
        with monkeypatch.context() as patches:
            patches.setattr(call, full)
            with pytest.raises(StorageFull, match="No space left in"):
                land()
    left = [p.name for p in (tmp_path / "home/repositories").iterdir() if p.name.startswith(".")]
    assert left == []
    assert land() == tip


@pytest.mark.parametrize("call", ["pathlib.Path.mkdir", "os.open", "os.utime"])
def test_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Callable[..., Any], call: str
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("a.txt")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"a"))
    with monkeypatch.context() as patches:
        patches.setattr(call, full)
        with pytest.raises(StorageFull, match=f"No space left to keep outputs in {tmp_path}"):
            take([packed.getvalue()], tmp_path / "out", cap_mb=1)
    taken = take([packed.getvalue()], tmp_path / "out", cap_mb=1)
    assert [file.path for file in taken.files] == ["a.txt"]
