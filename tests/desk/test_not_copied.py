"""What a commit names and does not hold is said when a ticket is assigned."""

from pathlib import Path

from desk.wiring import Opened
from labcrew.domain.repository import Lacking
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET, git

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 3\n".format("0" * 64)


def _warnings(opened: Opened, toy: Path) -> tuple[str, ...]:
    git(toy / "toy", "add", "-A")
    git(toy / "toy", "commit", "-q", "-m", "more")
    office = opened.office()
    return office.assign(read_ticket(TICKET), source="t.md", by="ada", beside=toy).warnings


def test_submodules_links_and_pointers(opened: Opened, toy: Path) -> None:
    repository = toy / "toy"
    for link, target in {
        "images": "/mnt/datasets",
        "latest": "runs/3",
        "up": "../elsewhere",
        "through": "images/a.png",
        "files": "data",
        "train": "data/train.csv",
    }.items():
        (repository / link).symlink_to(target)
    (repository / "model.bin").write_text(POINTER)
    (repository / "about.md").write_text(f"A pointer reads:\n{POINTER}")
    source = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{source},vendor/lib")
    (repository / "vendor" / "lib").mkdir(parents=True)
    assert _warnings(opened, toy) == (
        "Submodules are not copied, so that runs find nothing in vendor/lib. Name what runs need of"
        " that in `data`, by an absolute path.",
        "Links that lead to nothing in the commit, so that runs find nothing there: images, latest,"
        " through and more. Name what runs need of that in `data`, by an absolute path.",
    )
    (repository / "deep").mkdir()
    (repository / "deep" / ".gitattributes").write_text("*.bin filter=lfs diff=lfs -text\n")
    assert _warnings(opened, toy)[2].startswith(
        "Git LFS holds the content, so that runs find pointers alone in model.bin. Name"
    )


def test_what_a_commit_lacks(opened: Opened, toy: Path) -> None:
    office = opened.office()
    commit = office.repositories.take("lab", toy / "toy", "HEAD", snapshot=False)
    assert office.repositories.lacking("lab", commit) == Lacking()
