"""Runs of self-evolution that have ended, kept one by one: each is made once."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLE = "ended_runs"


def upgrade() -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("ticket", sa.String(200), nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("updated_at", sa.String(40), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
    ]
    op.create_table(_TABLE, *columns, sa.PrimaryKeyConstraint("id", name=f"pk_{_TABLE}"))
    op.create_index(f"ix_{_TABLE}_line", _TABLE, ["line"])
    op.create_index(f"ix_{_TABLE}_ticket_line", _TABLE, ["ticket", "line"])
    op.create_index(f"ix_{_TABLE}_status_line", _TABLE, ["status", "line"])


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: restore a backup instead")
