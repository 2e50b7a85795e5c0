"""How Alembic runs here: always on the connection that `cases.store` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from cases import tables, tables_work  # noqa: F401  # declare the tables on Base.metadata
from gnomon.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite changes a column only by copying the table.
    render_as_batch=True,
)
context.run_migrations()
