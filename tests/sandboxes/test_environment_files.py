"""Which files of a repository an environment is planned from, and what is said of the others."""

from pathlib import Path
from typing import Any

import pytest

from labcrew.domain.running import Environment
from labcrew.domain.sandbox import EnvironmentPlan
from labcrew.errors import EnvironmentBroken
from sandboxes.environments.environments import Environments
from sandboxes.git.repositories import GitRepositories
from tests.sandboxes.fixtures import UserFolder

NO_ENGINE: Any = None  # a plan of files asks none


def plan(
    repositories: GitRepositories, user: UserFolder, *packages: str, **files: bytes
) -> EnvironmentPlan:
    for name, content in files.items():
        (user.path / name.replace("__", ".")).write_bytes(content)
    commit = repositories.take("lab", user.path, "HEAD", snapshot=True)
    return Environments(NO_ENGINE, repositories).plan(Environment(packages=packages), "lab", commit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[tool.poetry.dependencies]\npython = "^3.11"\ntorch = "^2"\n',
            "nothing is installed; tool.poetry.dependencies of pyproject.toml is not read",
        ),
        ('[project]\ndynamic = ["dependencies"]\n', "project.dynamic of pyproject.toml is not"),
        (
            '[project]\ndependencies = []\n[project.optional-dependencies]\ngpu = ["torch"]\n'
            '[dependency-groups]\ndev = ["pytest"]\n',
            "project.optional-dependencies of pyproject.toml, dependency-groups of pyproject.toml",
        ),
        ('[project]\nname = "x"\n[tool.poetry]\ndependencies = {python = "^3"}\n', "is installed"),
        ("project = 1\ntool = 2\n", "nothing is installed"),
    ],
)
def test_dependencies_that_are_not_read_are_told(
    repositories: GitRepositories, user: UserFolder, text: str, said: str
) -> None:
    found = plan(repositories, user, pyproject__toml=text.encode())
    assert found.kind == "base"
    assert said in found.description
    assert found.description.endswith("is installed") == said.endswith("is installed")
    added = plan(repositories, user, "numpy")
    assert added.requirements == "numpy\n"
    assert ("not read" in added.description) == ("not read" in found.description)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_mark_says_how_requirements_are_encoded(
    repositories: GitRepositories, user: UserFolder, encoding: str
) -> None:
    mark = "\ufeff" if encoding.endswith("e") else ""
    written = f"{mark}numpy==2.0\r\nrich\r\n".encode(encoding)
    assert plan(repositories, user, requirements__txt=written).requirements == "numpy==2.0\nrich\n"


def test_requirements_may_be_a_link(
    repositories: GitRepositories, user: UserFolder, tmp_path: Path
) -> None:
    link = user.path / "requirements.txt"
    user.write("lab/base.txt", "numpy\n")
    link.symlink_to("lab/base.txt")
    assert plan(repositories, user).requirements == "numpy\n"
    link.unlink()
    link.symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(EnvironmentBroken, match=r"requirements\.txt is a link that leads out of"):
        plan(repositories, user)
    link.unlink()
    link.symlink_to("lab/gone.txt")
    with pytest.raises(EnvironmentBroken, match=r"lab/gone\.txt is not in the repository"):
        plan(repositories, user)
