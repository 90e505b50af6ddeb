"""Installing for a draft: an image, or a trouble with pip's words; a Dockerfile needs a person."""

from collections.abc import Iterator

import pytest

from evals.lab import bare_bench
from labcrew.domain.draft import Draft, InstallTry
from tests.sandboxes.fixtures import UserFolder
from tools.install_environment import InstallEnvironment, install_environment
from tools.toolbox import Toolbox, Workbench

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with bare_bench() as made:
        yield made


@pytest.fixture(scope="module")
def draft(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Draft:
    user = UserFolder(tmp_path_factory.mktemp("lab"))
    user.git("init", "-q", "-b", "main")
    user.write("requirements.txt", "iniconfig\n")
    user.write("private.txt", "x @ git+https://example.org/x\n")
    user.write("Dockerfile", "FROM scratch\n")
    user.commit()
    commit = user.git("rev-parse", "main")
    bench.repositories.take("D-001", user.path, commit, snapshot=False)
    return Draft(
        id="D-001",
        repository=str(user.path),
        base_commit=commit,
        sentence="lower the loss",
        asked_by="ada",
        asked_at="2026-01-01T00:00:00+00:00",
    )


def install(bench: Workbench, draft: Draft, **environment: object) -> InstallTry:
    call = InstallEnvironment.model_validate(
        {"number": 0, "environment": environment, "because": "why", "variables": {"A": "b"}}
    )
    return install_environment.run(call, draft, bench)


async def test_an_environment_that_stands(bench: Workbench, draft: Draft) -> None:
    tools = Toolbox(agent="experiment_launcher", assigned=draft, bench=bench, step="install/0")
    call = InstallEnvironment.model_validate(
        {
            "number": 0,
            "environment": {"requirements": "requirements.txt", "packages": ["pluggy"]},
            "because": "why",
        }
    )
    done = await tools.use(install_environment, call)
    assert done.trouble is None
    assert done.image.startswith("labcrew/env:")
    assert done.environment == call.environment
    again = await tools.use(install_environment, call)
    assert again.image == done.image


def test_a_version_that_there_is_not(bench: Workbench, draft: Draft) -> None:
    done = install(bench, draft, packages=["iniconfig==0.0.0.1"], alone=True)
    assert (done.image, done.variables) == ("", {"A": "b"})
    assert done.trouble is not None
    assert (done.trouble.kind, done.trouble.what) == ("version", "iniconfig")
    assert "No matching distribution found" in done.log


def test_what_only_a_person_decides_is_not_installed(bench: Workbench, draft: Draft) -> None:
    for environment in ({"dockerfile": "Dockerfile"}, {"requirements": "private.txt"}):
        done = install(bench, draft, **environment)
        assert done.image == ""
        assert done.trouble is not None
        assert done.trouble.message.startswith("A person decides first")
        assert done.trouble.supply


def test_a_file_that_is_not_there_is_told(bench: Workbench, draft: Draft) -> None:
    done = install(bench, draft, requirements="none.txt")
    assert done.trouble is not None
    assert "none.txt is not in the repository" in done.trouble.message
