"""Conversations with the coordinator, what waits in them for a person's yes, and schedules."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("schedules", "threads", "messages", "proposals"):
        columns: list[sa.Column[Any]] = [
            sa.Column("id", sa.String(200), nullable=False),
            sa.Column("ticket", sa.String(200), nullable=False),
            sa.Column("line", sa.Integer, nullable=False),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("created_at", sa.String(40), nullable=False),
            sa.Column("updated_at", sa.String(40), nullable=False),
            sa.Column("document", sa.Text, nullable=False),
        ]
        if table in ("proposals", "schedules"):
            columns.append(sa.Column("status", sa.String(40), nullable=False))
        op.create_table(table, *columns, sa.PrimaryKeyConstraint("id", name=f"pk_{table}"))
        op.create_index(f"ix_{table}_ticket", table, ["ticket"])
        if table in ("proposals", "schedules"):
            op.create_index(f"ix_{table}_status", table, ["status"])


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: restore a backup instead")
