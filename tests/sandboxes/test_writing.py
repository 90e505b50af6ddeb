"""Commits that labcrew writes itself: the same id each time, and only editable paths."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labcrew.errors import BoundaryError
from sandboxes.git.repositories import GitRepositories
from tests.sandboxes.fixtures import UserFolder

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REF = "refs/labcrew/E-001/rounds"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> tuple[GitRepositories, str]:
    folder = tmp_path_factory.mktemp("written")
    user = UserFolder(folder / "user")
    user.path.mkdir()
    user.git("init", "-q")
    user.write("agent.py", "x = 1\n")
    user.write("run.sh", "echo\n")
    (user.path / "run.sh").chmod(0o755)
    user.write("score.py", "y = 2\n")
    commit = user.commit()
    repositories = GitRepositories(folder / "home")
    return repositories, repositories.take("E-001", user.path, commit, snapshot=False)


def written(
    bare: tuple[GitRepositories, str], files: dict[str, bytes | None], ref: str = REF
) -> str:
    repositories, base = bare
    return repositories.write(
        "E-001", base, files, message="Round 1\n", at=AT, ref=ref, editable=("agent.py", "run.sh")
    )


def test_it_holds_what_was_given_and_is_made_once(bare: tuple[GitRepositories, str]) -> None:
    repositories, base = bare
    made = written(bare, {"agent.py": b"x = 2\n", "run.sh": b"exit\n"})
    assert made == written(bare, {"run.sh": b"exit\n", "agent.py": b"x = 2\n"})
    assert repositories.read("E-001", made, "agent.py") == b"x = 2\n"
    assert repositories.read("E-001", made, "score.py") == b"y = 2\n"
    modes = {f.path: f.new_mode for f in repositories.changed_files("E-001", base, made)}
    assert modes == {"agent.py": "100644", "run.sh": "100755"}
    assert repositories.history("E-001", made) == (made, base)


def test_a_file_is_taken_out(bare: tuple[GitRepositories, str]) -> None:
    assert "agent.py" not in bare[0].files("E-001", written(bare, {"agent.py": None}))


@pytest.mark.parametrize(
    "path",
    ["score.py", "../agent.py", "/agent.py", ".git/hooks/post-commit", ".gitmodules"],
)
def test_other_paths_are_refused(bare: tuple[GitRepositories, str], path: str) -> None:
    with pytest.raises(BoundaryError):
        written(bare, {path: b"x"})


@pytest.mark.parametrize("ref", ["HEAD", "refs/../x", "refs/heads/a b", "-d"])
def test_odd_refs_are_refused(bare: tuple[GitRepositories, str], ref: str) -> None:
    with pytest.raises(BoundaryError, match="ref"):
        written(bare, {"agent.py": b"x"}, ref)


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.binary(max_size=20), max_size=3))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_paths_only_editable_ones_change(
    bare: tuple[GitRepositories, str], tmp_path: Path, files: dict[str, bytes]
) -> None:
    repositories, base = bare
    try:
        made = written(bare, dict(files))
    except (BoundaryError, UnicodeEncodeError, ValueError):
        return
    changed = {f.path for f in repositories.changed_files("E-001", base, made)}
    assert changed <= {"agent.py", "run.sh"}
