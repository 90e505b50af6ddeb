"""The first tables: the log, its head, leases, and a table for each kind of record."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Spelt out here and not read from the schema: a migration must not change when the schema does.
RECORDS: tuple[tuple[str, bool, str], ...] = (  # table, has a status, parent's table
    ("tickets", True, ""),
    ("plans", False, ""),
    ("trials", True, ""),
    ("findings", False, ""),
    ("briefs", False, ""),
    ("datasets", False, ""),
    ("incidents", False, ""),
    ("gates", True, ""),
    ("decisions", False, "gates"),
    ("merge_requests", True, ""),
    ("comments", False, "merge_requests"),
    ("lessons", False, ""),
    ("effects", True, ""),
)


def _records(name: str, has_status: bool, parent: str) -> None:
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
    indexed = ["ticket"]
    if has_status:
        columns.append(sa.Column("status", sa.String(40), nullable=False))
        indexed.append("status")
    if parent:
        columns.append(sa.Column("parent", sa.String(200), nullable=False))
        columns.append(
            sa.ForeignKeyConstraint(["parent"], [f"{parent}.id"], name=f"fk_{name}_parent")
        )
        indexed.append("parent")
    op.create_table(name, *columns)
    for column in indexed:
        op.create_index(f"ix_{name}_{column}", name, [column])


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("ticket", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("key", sa.String(500), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_events"),
        sa.UniqueConstraint("key", name="uq_events_key"),
    )
    op.create_index("ix_events_ticket", "events", ["ticket"])
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_head"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": "0" * 64}])
    op.create_table(
        "leases",
        sa.Column("ticket", sa.String(200), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("ticket", name="pk_leases"),
    )
    for name, has_status, parent in RECORDS:
        _records(name, has_status, parent)


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: restore a backup instead")
