"""What a program offers its supervisor: told by the ticket, else by the names in its files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.supervision import Offer
from labcrew.domain.ticket import AssignedTicket
from sandboxes.git.repositories import GitRepositories
from tests.sandboxes.fixtures import UserFolder, make_user
from tests.tickets import make_assigned
from tests.tools.tars import tar_of
from tools.offers import VARIABLES, _named, named, offers


@pytest.fixture
def user(tmp_path: Path) -> UserFolder:
    return make_user(tmp_path / "lab")


def taken(user: UserFolder, folder: Path, **changes: Any) -> tuple[AssignedTicket, GitRepositories]:
    repositories = GitRepositories(folder / "repositories")
    assigned = make_assigned(**changes)
    commit = repositories.take(assigned.id, user.path, "HEAD", snapshot=True)
    return assigned.model_copy(update={"base_commit": commit}), repositories


def test_what_its_files_name(user: UserFolder, tmp_path: Path) -> None:
    user.write("lab/training.py", "folder = os.environ['LABCREW_CHECKPOINTS']\n")
    user.write("run.sh", 'python train.py --from "$LABCREW_RESUME"\n')
    user.write("README.md", "Set LABCREW_QUARANTINE.\n")
    user.write("big.py", "#" * (1 << 20) + "LABCREW_BATCH_SCALE")
    assigned, repositories = taken(user, tmp_path)
    assert offers(assigned, repositories) == {"checkpoints", "resume"}


def test_the_tickets_word_stands(user: UserFolder, tmp_path: Path) -> None:
    user.write("train.py", "LABCREW_RESUME")
    assigned, repositories = taken(user, tmp_path, supervision={"offers": ["gradient_clip"]})
    assert offers(assigned, repositories) == {"gradient_clip"}
    assigned, repositories = taken(user, tmp_path, supervision={"offers": []})
    assert offers(assigned, repositories) == frozenset()


def test_a_ticket_that_names_a_folder_and_an_argument(user: UserFolder, tmp_path: Path) -> None:
    user.write("train.py", "print(1)")
    assigned, repositories = taken(
        user,
        tmp_path,
        run={"command": "python train.py {settings} {resume}"},
        supervision={"checkpoints": "runs", "resume": "--resume {checkpoint}"},
    )
    assert offers(assigned, repositories) == {"checkpoints", "resume"}


def test_a_commit_is_searched_once(user: UserFolder, tmp_path: Path) -> None:
    class Counted(GitRepositories):
        searched = 0

        def archive(self, name: str, commit: str, without: tuple[str, ...] = ()) -> bytes:
            self.searched += 1
            return super().archive(name, commit, without)

    user.write("train.py", "LABCREW_RESUME")
    repositories = Counted(tmp_path / "repositories")
    commit = repositories.take("lab", user.path, "HEAD", snapshot=True)
    assert [named(repositories, "lab", commit) for _ in range(3)] == [{"resume"}] * 3
    assert repositories.searched == 1


@given(st.sets(st.sampled_from(sorted(VARIABLES))), st.binary(max_size=200))
def test_each_name_is_found_among_any_bytes(wanted: set[Offer], noise: bytes) -> None:
    files = {f"{offer}.py": noise + VARIABLES[offer].encode() + noise for offer in wanted}
    assert _named(tar_of(files | {"noise.py": noise})) == wanted
