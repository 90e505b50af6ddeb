"""Private paths are checked when a ticket is assigned: one that hides nothing is refused."""

import io
import tarfile
from pathlib import Path

import pytest

from desk.wiring import Opened
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import TicketError
from labcrew.patterns import hidden
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET, git
from tools.trial_spec import hidden_paths

HOLDOUT = "  - {path: data/holdout.csv, split: holdout}\n"


def _assign(opened: Opened, toy: Path, *changes: tuple[str, str]) -> AssignedTicket:
    text = TICKET
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return opened.office().assign(read_ticket(text), source="t.md", by="ada", beside=toy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[evaluate.py]", "['hidden/*.csv']"), "evaluator.private: 'hidden/*.csv' is not in"),
        (("[evaluate.py]", "['evaluat[e].py']"), "no pattern here knows; use *, ? or **"),
        (
            (HOLDOUT, HOLDOUT.replace("}", ", private: true}").replace("holdout.csv", "hold*.csv")),
            "data[1].path: 'data/hold*.csv' is not in",
        ),
        (
            (
                HOLDOUT,
                HOLDOUT.replace("}", ", private: true}").replace(
                    "data/holdout.csv", "'data/h[o].csv'"
                ),
            ),
            "no pattern here knows",
        ),
        (("data/train.csv", "data/tr*.csv"), "data[0].path: 'data/tr*.csv' is not in"),
    ],
)
def test_a_private_path_that_hides_nothing_is_refused(
    opened: Opened, toy: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(TicketError) as caught:
        _assign(opened, toy, change)
    assert said in caught.value.message


@pytest.mark.parametrize("private", ["evaluate.py", "eval*.py", "data", "data/", "**/holdout.*"])
def test_files_folders_and_patterns_that_hide_something_are_taken(
    opened: Opened, toy: Path, private: str
) -> None:
    assert _assign(opened, toy, ("[evaluate.py]", f"['{private}']")).warnings == ()


def test_what_a_person_is_warned_of(opened: Opened, toy: Path) -> None:
    public = ("  private: [evaluate.py]\n", "")
    (said,) = _assign(opened, toy, public).warnings
    assert "a trial could read the holdout's answers; name them in evaluator.private" in said
    (said,) = _assign(opened, toy, (HOLDOUT, "")).warnings
    assert "so the holdout is not measured" in said
    hidden = _assign(opened, toy, public, (HOLDOUT, HOLDOUT.replace("}", ", private: true}")))
    assert hidden.warnings == ()


@pytest.mark.parametrize(
    "spelt", ["data//holdout.csv", "data/./holdout.csv", "././data/holdout.csv"]
)
def test_private_data_is_hidden_however_its_path_is_spelt(
    opened: Opened, toy: Path, spelt: str
) -> None:
    private = HOLDOUT.replace("}", ", private: true}").replace("data/holdout.csv", spelt)
    assigned = _assign(opened, toy, (HOLDOUT, private))
    assert hidden(assigned.ticket) == ("data/holdout.csv", "evaluate.py")
    repositories = opened.office().repositories
    copy = repositories.archive(assigned.id, assigned.base_commit, hidden_paths(assigned))
    with tarfile.open(fileobj=io.BytesIO(copy)) as files:
        assert {"data/train.csv", "train.py"} <= set(files.getnames())
        assert not {"data/holdout.csv", "evaluate.py"} & set(files.getnames())


LINKS = {
    "data/answers.csv": "../store/answers.csv",
    "data/through.csv": "../current/answers.csv",
    "current": "store",
    "answers": "store",
    "data/gone.csv": "../nowhere.csv",
}


@pytest.fixture
def linked(toy: Path) -> Path:
    """The toy with answers in a store, and links to them."""
    repository = toy / "toy"
    (repository / "store").mkdir()
    (repository / "store" / "answers.csv").write_text("y\n1\n")
    for link, target in LINKS.items():
        (repository / link).symlink_to(target)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "links")
    return toy


def _private_data(path: str) -> tuple[str, str]:
    return HOLDOUT, f"{HOLDOUT}  - {{path: {path}, private: true}}\n"


@pytest.mark.parametrize("link", ["data/answers.csv", "data/through.csv", "answers"])
def test_a_private_link_to_what_trials_see_is_refused(
    opened: Opened, linked: Path, link: str
) -> None:
    end = "store" if link == "answers" else "store/answers.csv"
    for change in (_private_data(link), ("[evaluate.py]", f"[evaluate.py, '{link}']")):
        with pytest.raises(TicketError) as caught:
            _assign(opened, linked, change)
        assert caught.value.message.startswith(
            f"{link!r} is private, but a link to {end!r}, which every trial would see"
        )


@pytest.mark.parametrize("store", ["store", "store/answers.csv", "store/**"])
def test_a_private_link_to_what_is_private_is_taken(
    opened: Opened, linked: Path, store: str
) -> None:
    for link in ("data/answers.csv", "answers", "data/gone.csv"):
        private = ("[evaluate.py]", f"[evaluate.py, '{store}']")
        (said,) = _assign(opened, linked, private, _private_data(link)).warnings
        assert said.startswith("Links that lead to nothing in the commit")
        assert "there: data/gone.csv." in said
