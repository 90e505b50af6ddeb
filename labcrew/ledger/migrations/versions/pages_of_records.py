"""Indexes for lists in pages, newest first: of all records, of a ticket, of a status."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WITHOUT = frozenset({"events", "head", "leases", "alembic_version"})


def upgrade() -> None:
    inspector = sa.inspect(op.get_bind())
    for table in sorted(set(inspector.get_table_names()) - _WITHOUT):
        names = {column["name"] for column in inspector.get_columns(table)}
        op.create_index(f"ix_{table}_line", table, ["line"])
        for column in ("ticket", "status"):
            if column in names:
                op.drop_index(f"ix_{table}_{column}", table)
                op.create_index(f"ix_{table}_{column}_line", table, [column, "line"])


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: restore a backup instead")
