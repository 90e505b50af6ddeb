"""Alembic's entry: runs the migrations on the connection that `labcrew.ledger.migrate` hands over.

The connection is in a write transaction already: all migrations stand, or none.
"""

from alembic import context

from labcrew.ledger.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
