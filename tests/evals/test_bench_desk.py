"""The ledger that the board is measured with is sound, and all of it is asked for and timed."""

from pathlib import Path

import pytest

from evals.bench import desk
from evals.bench.desk_ledger import TRIALS_EACH, write_ledger
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    Ledger.open(made.ledger_url, anchor=made.anchor, clock=SystemClock()).close()
    write_ledger(made.ledger_url, made.anchor, tickets=12, events=1500)
    return made


def test_the_ledger_is_honestly_chained(home: Home) -> None:
    with Ledger.open(
        home.ledger_url, anchor=home.anchor, clock=SystemClock(), check="full"
    ) as ledger:
        assert ledger.verify() == []
        assert ledger.events.count() == 1500
        assert (ledger.tickets.count(), ledger.trials.count()) == (12, 12 * TRIALS_EACH)


def test_all_is_asked_for_and_timed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "EVENTS": 1500,
        "STREAMS": 3,
        "TICKET": "T-005",
        "_WARM": 1,
        "_ROUNDS": 2,
        "_LINES": 2,
        "_SILENCE_S": 1,
    }.items():
        monkeypatch.setattr(desk, name, value)
    pages, lists, seen = desk.measured(home)
    for figure, asked in ((pages, desk.PAGES), (lists, desk.LISTS)):
        assert figure.value == max(figure.parts[name] for name in asked)
        assert all(figure.parts[f"{name}, times bare"] > 0 for name in asked)
    assert 0 < seen.parts["median"] <= seen.value <= seen.parts["slowest"]
