"""Where a search stands, and how little is read for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.views.series import series_of
from desk.views.standing import curves
from desk.wiring import Opened
from labcrew import beneath
from labcrew.domain.ticket import AssignedTicket
from labcrew.ticket_file import read_ticket
from tests.desk.records import trial


@pytest.fixture
def assigned(opened: Opened, toy: Path) -> AssignedTicket:
    file = toy / "ticket.md"
    return opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The logs that were opened."""
    seen: list[str] = []
    chunks = beneath.chunks

    def counted(root: Path, path: str, most_bytes: int) -> Iterator[bytes]:
        seen.append(path)
        return chunks(root, path, most_bytes)

    monkeypatch.setattr(beneath, "chunks", counted)
    return seen


def _log(opened: Opened, id: str, text: str) -> None:
    file = opened.home.artefacts("T-001") / "logs" / f"{id}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_log_is_read_once(opened: Opened, assigned: AssignedTicket, read: list[str]) -> None:
    one = trial(opened, assigned.id, 1)
    assert series_of(opened.home, one).series == ()
    _log(opened, one.id, "accuracy=0.5\naccuracy=0.7\n")
    first = series_of(opened.home, one)
    assert first.series[0].values == (0.5, 0.7)
    assert series_of(opened.home, one) == first
    assert read == ["T-001-001.log"] * 2  # none there, then there


def test_curves_do_not_go_through_every_log(
    opened: Opened, assigned: AssignedTicket, read: list[str]
) -> None:
    trials = [trial(opened, assigned.id, number) for number in range(60)]
    for one in trials:
        _log(opened, one.id, "loss=3\n")
    assert curves(opened.home, assigned, trials) == ()
    assert len(read) == 24
