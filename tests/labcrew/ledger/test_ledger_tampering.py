"""What was changed behind labcrew's back shows; what is damaged is refused, loudly."""

import json
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateTable

from labcrew.errors import LabcrewError, LedgerError
from labcrew.ledger.migrate import configuration
from labcrew.ledger.schema import METADATA, REVISION
from tests.labcrew.ledger.parts import Home, MakeDecision, MakeGate, MakeTrial


@pytest.fixture
def written(home: Home, trial: MakeTrial, gate: MakeGate, decision: MakeDecision) -> Home:
    """A closed ledger with nine trials (lines 1 to 9), a decided gate, an effect, a lease."""
    ledger = home.open()
    with ledger.transaction():
        for number in range(1, 10):
            ledger.trials.put(trial(number), actor="a")
        ledger.gates.put(gate(), actor="a")
        ledger.decisions.put(decision(), actor="person:ada")
    ledger.once("effect", "T", {"n": 1}, lambda: {"r": 1}, lambda: None)
    ledger.acquire("T", "one", 60)
    ledger.events.append(ticket="T", actor="a", kind="k", key="last", data={"x": 1})
    assert ledger.verify() == []
    ledger.close()
    return home


def sql(home: Home, *statements: str) -> None:
    connection = sqlite3.connect(home.database)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


COPY = "ticket, line, version, created_at, updated_at, document, status"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE events SET data = replace(data, '\"x\":1', '\"x\":2')", "Line 15 was changed"),
        ("UPDATE events SET data = replace(data, ':1}', ': 1}')", "Line 15 was changed"),
        ("UPDATE events SET data = 'not json' WHERE sequence = 2", "Line 2 was changed"),
        ("UPDATE events SET actor = 'b' WHERE sequence = 4", "Line 4 was changed"),
        ("UPDATE events SET at = '2025' || substr(at, 5) WHERE sequence = 4", "Line 4 was changed"),
        ("DELETE FROM events WHERE sequence = 5", "Line 5 is missing"),
        ("DELETE FROM events WHERE sequence IN (5, 6)", "Lines 5 to 6 are missing"),
        ("DELETE FROM events WHERE sequence = 1", "Line 1 is missing"),
        ("DELETE FROM events WHERE sequence > 14", "line 15 was anchored: its end was cut off"),
        ("DELETE FROM events", "line 15 was anchored"),
        ("UPDATE head SET sequence = 14", "line 14 was written last"),
        ("UPDATE trials SET document = replace(document, '512', '513') WHERE id = 'T-3'",
         "trials 'T-3' was changed by hand: its document isn't the one of line 3"),
        ("UPDATE trials SET status = 'scored' WHERE id = 'T-3'", "a column doesn't match line 3"),
        ("UPDATE trials SET ticket = 'U' WHERE id = 'T-3'", "a column doesn't match line 3"),
        ("DELETE FROM trials WHERE id = 'T-3'", "trials 'T-3' of line 3 was removed"),
        (f"INSERT INTO trials (id, {COPY}) SELECT 'T-99', {COPY} FROM trials WHERE id = 'T-3'",
         "trials 'T-99' was added by hand"),
        ("UPDATE decisions SET document = replace(document, 'ada', 'eve')",
         "decisions 'T/plan-0' was changed by hand"),
        ("DELETE FROM decisions", "decisions 'T/plan-0' of line 11 was removed"),
        ("UPDATE effects SET document = replace(document, '\"r\":1', '\"r\":2')",
         "effects 'effect' was changed by hand"),
        ("DELETE FROM effects", "effects 'effect' of line 13 was removed"),
        ("UPDATE leases SET token = 7", "its token is 7, the log says 1"),
        ("DELETE FROM leases", "its token is None, the log says 1"),
    ],
)  # fmt: skip
def test_a_change_by_hand_shows(written: Home, statement: str, says: str) -> None:
    sql(written, statement)
    problems = written.open(check="none").verify()
    assert any(says in problem for problem in problems), problems
    with pytest.raises(LedgerError, match="not what was written"):
        written.open()


def test_swapped_documents_show(written: Home) -> None:
    other = "(SELECT document FROM trials WHERE id = '{}')"
    sql(
        written,
        f"CREATE TEMP TABLE old AS SELECT {other.format('T-3')} AS document",
        f"UPDATE trials SET document = {other.format('T-4')} WHERE id = 'T-3'",
        "UPDATE trials SET document = (SELECT document FROM old) WHERE id = 'T-4'",
    )
    assert len(written.open(check="none").verify()) == 2


def test_swapped_lines_show(written: Home) -> None:
    sql(
        written,
        "UPDATE events SET sequence = 100 WHERE sequence = 3",
        "UPDATE events SET sequence = 3 WHERE sequence = 4",
        "UPDATE events SET sequence = 4 WHERE sequence = 100",
    )
    problems = written.open(check="none").verify()
    assert any("Line 3" in p for p in problems)
    assert any("Line 4" in p for p in problems)


def test_a_tail_cut_off_with_its_head_row_shows_by_the_anchor(written: Home) -> None:
    sql(
        written,
        "DELETE FROM events WHERE sequence = 15",
        "UPDATE head SET sequence = 14, hash = (SELECT hash FROM events WHERE sequence = 14)",
    )
    (problem,) = written.open(check="none").verify()
    assert "line 15 was anchored" in problem


def test_an_older_backup_of_the_database_alone_shows(
    written: Home, tmp_path: Path, trial: MakeTrial
) -> None:
    shutil.copy(written.database, tmp_path / "backup.db")
    with written.open() as ledger:
        ledger.trials.put(trial(50), actor="a")
    shutil.copy(tmp_path / "backup.db", written.database)
    with pytest.raises(LedgerError, match="line 16 was anchored"):
        written.open()


def test_an_anchor_behind_is_fine(written: Home, trial: MakeTrial) -> None:
    older = written.anchor.read_text()
    with written.open() as ledger:
        ledger.trials.put(trial(50), actor="a")
    written.anchor.write_text(older)
    with written.open() as ledger:
        ledger.trials.put(trial(51), actor="a")
        assert ledger.verify() == []
    assert json.loads(written.anchor.read_text())["sequence"] == 17


@pytest.mark.parametrize("text", [None, "", "{}", '{"sequence": "x", "hash": 3}', "\0\0"])
def test_an_anchor_that_is_gone_or_unreadable_is_refused(written: Home, text: str | None) -> None:
    written.anchor.unlink()
    if text is not None:
        written.anchor.write_text(text)
    with pytest.raises(LedgerError, match="head file"):
        written.open()


def test_a_lost_or_emptied_database_is_not_started_anew(written: Home) -> None:
    written.database.write_bytes(b"")
    with pytest.raises(LedgerError, match="is empty, but line 15 was anchored"):
        written.open()
    written.database.unlink()
    with pytest.raises(LedgerError, match="is empty, but line 15 was anchored"):
        written.open()
    assert not written.database.exists()


@pytest.mark.parametrize("keep", [0.99, 0.5, 0.1, 0.001])
def test_a_truncated_database_is_refused(written: Home, keep: float) -> None:
    whole = written.database.read_bytes()
    written.database.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(LedgerError):
        written.open()


def test_a_flipped_bit_is_refused_or_touched_nothing(written: Home) -> None:
    whole = written.database.read_bytes()
    with written.open() as ledger:
        trials, lines = ledger.trials.all(), ledger.events.of()
    randomness = random.Random(7)
    used = [place for place, byte in enumerate(whole) if byte]
    refused = 0
    for _ in range(60):
        place = randomness.choice(used)
        damaged = bytearray(whole)
        damaged[place] ^= 1 << randomness.randrange(8)
        written.database.write_bytes(damaged)
        try:
            with written.open() as ledger:
                assert (ledger.trials.all(), ledger.events.of()) == (trials, lines)
        except LabcrewError:
            refused += 1
        for rest in ("-wal", "-shm"):
            written.database.with_name(written.database.name + rest).unlink(missing_ok=True)
    assert refused > 45


def test_something_else_than_a_database_is_refused(home: Home, tmp_path: Path) -> None:
    home.database.write_text("notes, not a database\n" * 100)
    with pytest.raises(LedgerError, match="damaged: file is not a database"):
        home.open()
    home.database = tmp_path / "nowhere" / "ledger.db"
    with pytest.raises(LedgerError, match="can't be opened"):
        home.open()


def test_a_newer_ledger_is_refused(written: Home) -> None:
    sql(written, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match=r"revision '9999'.*\n.*newer one"):
        written.open()


def test_the_newest_lines_alone_can_be_checked(
    written: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labcrew.ledger import opening

    monkeypatch.setattr(opening, "FULL_UP_TO_BYTES", 0)
    monkeypatch.setattr(opening, "NEWEST", 4)
    written.open().close()
    sql(written, "UPDATE events SET actor = 'b' WHERE sequence = 2")
    written.open().close()
    with pytest.raises(LedgerError, match="Line 2 was changed"):
        written.open(check="full")
    sql(written, "UPDATE events SET actor = 'b' WHERE sequence = 13")
    with pytest.raises(LedgerError, match="Line 13 was changed"):
        written.open()


def test_migrations_are_idempotent_and_match_the_schema(home: Home) -> None:
    for _ in range(2):
        home.open().close()
    engine = create_engine(f"sqlite:///{home.database}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()
    assert ScriptDirectory.from_config(configuration()).get_heads() == [REVISION]


def test_the_tables_suit_a_database_server() -> None:
    for table in METADATA.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=PGDialect()))  # type: ignore[no-untyped-call]
