"""Fixtures on a real engine and real git; a home of its own for each test session."""

import hashlib
import os
import stat
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labcrew.domain.sandbox import Limits, SandboxSpec, WorkspaceSource
from sandboxes.client import connect
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.git.repositories import GitRepositories
from sandboxes.images import BaseImage

__all__ = ["base_image", "lab", "repositories", "sandboxes", "shared", "user", "workshop"]


@dataclass
class UserFolder:
    """A repository as a user has it; its git is the plain one."""

    path: Path

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), "-c", "protocol.file.allow=always", *arguments],
            input=stdin,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_AUTHOR_NAME": "Ada",
                "GIT_AUTHOR_EMAIL": "ada@example.org",
                "GIT_COMMITTER_NAME": "Ada",
                "GIT_COMMITTER_EMAIL": "ada@example.org",
            },
        )
        return done.stdout.decode().strip()

    def write(self, path: str, content: str) -> None:
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def bytes(self) -> dict[str, str]:
        """Every file, link and folder with its mode and the hash of its content, .git too."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = str(path.readlink()).encode()
            elif stat.S_ISREG(mode):
                content = path.read_bytes()
            else:
                content = b""
            name = str(path.relative_to(self.path))
            found[name] = f"{mode:o} {hashlib.sha256(content).hexdigest()}"
        return found


@dataclass
class Workshop:
    """Containers and repositories of one home, with one repository taken."""

    sandboxes: DockerSandboxes
    repositories: GitRepositories
    image: str
    name: str
    commit: str

    def spec(self, name: str, script: str, **changes: object) -> SandboxSpec:
        spec = SandboxSpec(
            name=f"{name}-{uuid.uuid4().hex[:6]}",
            purpose="trial",
            ticket="T-1",
            image=self.image,
            command=("/bin/sh", "-c", script),
            workspace=WorkspaceSource(repository=self.name, commit=self.commit),
            limits=Limits(memory_mb=256, pids=64, timeout_s=30, output_mb=1),
        )
        return spec.model_copy(update=changes)


def make_user(path: Path) -> UserFolder:
    path.mkdir(parents=True)
    folder = UserFolder(path)
    folder.git("init", "-q", "-b", "main")
    folder.write("train.py", "print('trained')\n")
    folder.write("evaluate.py", "print('judged')\n")
    folder.write("data/train.csv", "a,b\n1,2\n")
    folder.write("data/holdout.csv", "a,b\n3,4\n")
    folder.write(".gitignore", "*.log\n")
    folder.commit("start")
    return folder


@pytest.fixture
def user(tmp_path: Path) -> UserFolder:
    return make_user(tmp_path / "lab")


@pytest.fixture
def repositories(tmp_path: Path) -> GitRepositories:
    return GitRepositories(tmp_path / "home" / "repositories")


@pytest.fixture(scope="session")
def base_image() -> str:
    return BaseImage(connect()).ensure()


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory, base_image: str
) -> Iterator[tuple[DockerSandboxes, GitRepositories, str]]:
    root = tmp_path_factory.mktemp("shared")
    repositories = GitRepositories(root / "repositories")
    folder = make_user(root / "lab")
    commit = repositories.take("lab", folder.path, folder.head(), snapshot=False)
    sandboxes = DockerSandboxes(f"test{uuid.uuid4().hex[:10]}", repositories)
    yield sandboxes, repositories, commit
    sandboxes.clean_orphans(set())
    sandboxes.close()
    sandboxes.client.close()


@pytest.fixture
def workshop(
    shared: tuple[DockerSandboxes, GitRepositories, str], base_image: str
) -> Iterator[Workshop]:
    sandboxes, repositories, commit = shared
    yield Workshop(sandboxes, repositories, base_image, "lab", commit)
    sandboxes.clean_orphans(set())


@pytest.fixture
def sandboxes(workshop: Workshop) -> DockerSandboxes:
    return workshop.sandboxes


@pytest.fixture
def lab(workshop: Workshop) -> str:
    """A started tool container's name."""
    spec = workshop.spec("tools", "", purpose="tools", command=())
    workshop.sandboxes.start(spec)
    return spec.name
