"""Private paths are checked when a ticket is assigned: one that hides nothing is refused."""

from pathlib import Path

import pytest

from desk.wiring import Opened
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import TicketError
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET

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
