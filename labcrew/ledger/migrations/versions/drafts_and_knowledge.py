"""Drafts of tickets, and what was learnt of repositories."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RECORDS: tuple[tuple[str, bool], ...] = (("drafts", True), ("knowledge", False))  # has a status


def upgrade() -> None:
    for name, has_status in RECORDS:
        columns: list[Any] = [
            sa.Column("id", sa.String(200), nullable=False),
            sa.Column("ticket", sa.String(200), nullable=False),
            sa.Column("line", sa.Integer, nullable=False),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("created_at", sa.String(40), nullable=False),
            sa.Column("updated_at", sa.String(40), nullable=False),
            sa.Column("document", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        ]
        if has_status:
            columns.append(sa.Column("status", sa.String(40), nullable=False))
        op.create_table(name, *columns)
        op.create_index(f"ix_{name}_ticket", name, ["ticket"])
        if has_status:
            op.create_index(f"ix_{name}_status", name, ["status"])


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: restore a backup instead")
