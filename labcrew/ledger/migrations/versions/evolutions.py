"""Self-evolution: loops, their rounds, and what each program scored on each case and seed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("evolutions", "rounds", "scored_runs"):
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
        op.create_table(table, *columns, sa.PrimaryKeyConstraint("id", name=f"pk_{table}"))
        op.create_index(f"ix_{table}_line", table, ["line"])
        op.create_index(f"ix_{table}_ticket_line", table, ["ticket", "line"])
        op.create_index(f"ix_{table}_status_line", table, ["status", "line"])


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: restore a backup instead")
