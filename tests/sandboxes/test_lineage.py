"""Private files are found in older commits, whatever they were called there."""

import io
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.domain.repository import Repositories
from sandboxes.git.repositories import GitRepositories
from tests.sandboxes.fixtures import UserFolder

HIDDEN = ("answers/**", "secret.csv")
ANSWERS = "".join(f"{n},{n * n}\n" for n in range(40))


class Past:
    """A history that is told commit by commit."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.user = UserFolder(folder)
        self.user.git("init", "-q", "-b", "main")
        self.commits: list[str] = []

    def commit(self, **files: str | None) -> str:
        """Puts files; None removes one. `__` stands for a slash, `_` for a dot."""
        for name, text in files.items():
            path = name.replace("__", "/").replace("_", ".")
            if text is None:
                (self.user.path / path).unlink()
            else:
                self.user.write(path, text)
        self.commits.append(self.user.commit(f"step {len(self.commits)}"))
        return self.commits[-1]

    def shown(self, repositories: Repositories) -> list[set[str]]:
        """What is left of each commit, oldest first."""
        base = repositories.take("lab", self.user.path, self.commits[-1], snapshot=False)
        found = repositories.lineage("lab", base, HIDDEN)
        assert set(found) == set(self.commits)
        return [files(repositories, commit, found[commit]) for commit in self.commits]


def files(repositories: Repositories, commit: str, private: tuple[str, ...]) -> set[str]:
    archive = repositories.archive("lab", commit, without=(*HIDDEN, *private))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name for member in tar if member.isfile()}


def test_one_that_was_renamed_and_edited(tmp_path: Path, repositories: Repositories) -> None:
    past = Past(tmp_path / "past")
    past.commit(data__all_csv=ANSWERS, code_py="1\n")
    past.commit(data__all_csv=ANSWERS + "40,1600\n", code_py="2\n")
    past.commit(data__all_csv=None, old__held_csv=ANSWERS + "41,1\n")
    past.commit(old__held_csv=None, answers__held_csv=ANSWERS + "42,2\n", code_py="3\n")
    assert past.shown(repositories) == [{"code.py"}] * 4


def test_one_that_was_removed_and_came_back_elsewhere(
    tmp_path: Path, repositories: Repositories
) -> None:
    past = Past(tmp_path / "past")
    past.commit(labels_csv=ANSWERS, code_py="1\n")
    past.commit(labels_csv=None, code_py="2\n")
    past.commit(secret_csv=ANSWERS, code_py="3\n")
    assert past.shown(repositories) == [{"code.py"}] * 3


def test_a_copy_from_before_it_was_private(tmp_path: Path, repositories: Repositories) -> None:
    past = Past(tmp_path / "past")
    past.commit(labels_csv=ANSWERS + "first\n", code_py="1\n")
    past.commit(labels_csv=ANSWERS)
    past.commit(answers__held_csv=ANSWERS)
    past.commit(labels_csv=None, code_py="2\n")
    assert past.shown(repositories) == [{"code.py"}] * 4


def test_what_is_shown_today_is_shown_then(tmp_path: Path, repositories: Repositories) -> None:
    past = Past(tmp_path / "past")
    past.commit(lab__init_py="", code_py="1\n", readme_md="Rows.\n")
    past.commit(answers__held_csv=ANSWERS, answers__init_py="", answers__readme_md="Rows.\n")
    past.commit(code_py="2\n")
    assert past.shown(repositories) == [{"lab/init.py", "code.py", "readme.md"}] * 3


def test_one_place_was_two_files(tmp_path: Path, repositories: Repositories) -> None:
    """The old name of a private file is today's name of another."""
    past = Past(tmp_path / "past")
    past.commit(held_csv=ANSWERS, code_py="1\n")
    past.commit(answers__held_csv=ANSWERS, held_csv="nothing to hide\n")
    past.commit(code_py="2\n")
    assert past.shown(repositories)[1:] == [{"code.py", "held.csv"}] * 2
    # Git can't tell that one from a new file: its bytes can.
    assert past.shown(repositories)[0] == {"code.py"}


def test_names_that_are_no_text(tmp_path: Path, repositories: Repositories) -> None:
    past = Past(tmp_path / "past")
    (past.user.path / "held\udcff.csv").write_text(ANSWERS)
    past.commit(code_py="1\n")
    (past.user.path / "held\udcff.csv").unlink()
    past.commit(secret_csv=ANSWERS)
    assert past.shown(repositories) == [{"code.py"}] * 2


_PLACES = ("a.csv", "data/b.csv", "answers/c.csv", "secret.csv")


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(_PLACES), st.integers(0, 3)), min_size=1, max_size=5))
def test_no_version_of_it_is_seen(moves: list[tuple[str, int]]) -> None:
    """However it was moved and lengthened before it came to where it is private."""
    with tempfile.TemporaryDirectory() as folder:
        repositories = GitRepositories(Path(folder) / "trusted")
        past, place, text = Past(Path(folder) / "past"), "", ANSWERS
        for number, (target, more) in enumerate([*moves, ("answers/c.csv", 0)]):
            if place:
                (past.user.path / place).unlink()
            place, text = target, text + "more\n" * more
            past.user.write(place, text)
            past.commit(code_py=f"{number}\n")
        assert past.shown(repositories) == [{"code.py"}] * len(past.commits)
