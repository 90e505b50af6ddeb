"""An index for the newest lines of an actor: what each of the crew did last, however long ago."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_actor_sequence", "events", ["actor", "sequence"])


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: restore a backup instead")
