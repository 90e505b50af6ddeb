"""What a ticket stores grows with its trials, not with their square."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graphs.tiny import REPORTED, Lab, lab_at, make_tiny, run

pytestmark = pytest.mark.engine


@pytest.fixture
def labs(tmp_path: Path, tracking: Path) -> Iterator[tuple[Lab, Lab]]:
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
    with (
        lab_at(folders[0], make_tiny(folders[0] / "tiny"), tracking) as one,
        lab_at(folders[1], make_tiny(folders[1] / "tiny"), tracking) as two,
    ):
        yield one, two


def stored(lab: Lab, trials: int) -> int:
    """Bytes of all rows of checkpoints and ledger after so many trials."""
    changes: dict[str, Any] = REPORTED | {
        "seeds": [0],
        "budget": {"trials": trials, "parallel": 1, "memory_mb": 64},
        "settings": {"style": "environment"},
        "run": {"command": "echo '{\"score\": 0.5}'"},
    }
    assigned = lab.assign(**changes)
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "accept", "ada")
    run(lab, assigned.id, yes=False)  # nothing is better than the rest: the budget gate
    assert lab.ledger.trials.count(assigned.id) == trials
    home = lab.office.home
    return sum(map(bytes_of, (home.checkpoints, home.root / "ledger.db")))


def bytes_of(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        total = 0
        for (table,) in names.fetchall():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info('{table}')")]
            length = " + ".join(f'coalesce(length("{name}"), 0)' for name in columns)
            query = f"SELECT coalesce(sum({length}), 0) FROM '{table}'"
            total += int(connection.execute(query).fetchone()[0])
    connection.close()
    return total


def test_twice_the_trials_store_little_more_than_twice_the_bytes(labs: tuple[Lab, Lab]) -> None:
    few, many = stored(labs[0], 8), stored(labs[1], 16)
    assert 1.2 < many / few <= 2.2, (few, many)
