"""What only SQLite needs: write-ahead log, patient locks, one writer from the first statement."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

WRITE = "labcrew_write"
"""The execution option of connections that will write."""


def prepare(engine: Engine, wait_s: float) -> None:
    """Sets up each connection of an engine; `wait_s` is how long a locked database is waited for.

    Python's sqlite3 starts transactions late and in the wrong mode, so SQLAlchemy's documented
    way is taken: the driver starts none, and the begin event does. A writer takes the lock at
    once (BEGIN IMMEDIATE): the head it reads is then still the head when it appends.
    """

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {int(wait_s * 1000)}",
            "foreign_keys = ON",
            # An effect happens once only if its intent survives a power cut: every commit is
            # flushed (NORMAL doesn't, in WAL mode).
            "synchronous = FULL",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def file_of(engine: Engine) -> Path | None:
    """The database's file; None for one in memory."""
    name = engine.url.database
    return Path(name) if name and name != ":memory:" else None


def write_ahead(engine: Engine, wait_s: float) -> None:
    """Switches the file to a write-ahead log, for good; SQLite doesn't wait for others here."""
    deadline = time.monotonic() + wait_s
    raw = engine.raw_connection()
    try:
        connection = raw.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
    finally:
        raw.close()


def integrity(connection: Connection) -> list[str]:
    """SQLite's own complaints about the file's structure; empty when sound."""
    rows = connection.exec_driver_sql("PRAGMA integrity_check(5)").scalars().all()
    return [] if rows == ["ok"] else [str(row) for row in rows]
