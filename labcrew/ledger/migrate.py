"""Brings a database to the newest tables, or refuses one that is newer than this labcrew."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from labcrew.errors import LedgerError
from labcrew.ledger.schema import REVISION

FOLDER = Path(__file__).parent / "migrations"


def revision_of(connection: Connection) -> str:
    """The migration a database stands at; empty for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found or "")


def configuration(connection: Connection | None = None) -> Any:
    """Alembic's configuration, made in memory: there is no alembic.ini."""
    from alembic.config import Config  # heavy, and needed only when something is to migrate

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Runs the missing migrations inside the connection's write transaction; none: does nothing.

    Raises:
        LedgerError: the database was made by a newer labcrew.
    """
    found = revision_of(connection)
    if found == REVISION:
        return
    from alembic import command
    from alembic.script import ScriptDirectory

    config = configuration(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found and found not in known:
        raise LedgerError(
            f"The ledger's tables are at revision {found!r}; this labcrew knows up to {REVISION}.",
            "Install the labcrew that made it, or a newer one.",
        )
    command.upgrade(config, "head")
