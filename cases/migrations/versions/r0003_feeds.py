"""When what is followed changed last; indexes for large queues; packages that go to other agencies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
LAST = {
    "notice": "coalesce(read_at, at)",
    "suppression": "coalesce(lifted_at, approved_at, asked_at)",
    "consultation": "coalesce(concluded_at, called_at)",
    "circular_audience": "coalesce(acknowledged_at, (SELECT at FROM circular WHERE circular.id = circular_id))",
}
"""By table: when a row changed last, as far as it can be told from what was kept before."""
INDEXES = {
    "ix_notice_updated": ("notice", ["name", "updated_at", "id"], None),
    "ix_delivery_dead": ("delivery", ["dead_at", "id"], "dead_at IS NOT NULL"),
    "ix_case_file_scheme": ("case_file", ["scheme", "gravity", "id"], None),
    "ix_case_file_counted": ("case_file", ["state", "pool", "owner", "id"], None),
    "ix_case_file_cohort": ("case_file", ["scheme", "id"], "claimed_at IS NOT NULL"),
}


def upgrade() -> None:
    """Add the columns, fill them, and make the indexes."""
    for table, last in LAST.items():
        column = sa.Column("updated_at", MOMENT, server_default="1970-01-01 00:00:00+00", nullable=False)
        op.add_column(table, column)
        op.execute(f"UPDATE {table} SET updated_at = {last}")
    for name, (table, columns, where) in INDEXES.items():
        held = None if where is None else sa.text(where)
        op.create_index(name, table, columns, sqlite_where=held, postgresql_where=held)
    op.drop_index("ix_case_file_pool", "case_file")


def downgrade() -> None:
    """Take them away again."""
    op.create_index("ix_case_file_pool", "case_file", ["pool", "id"])
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)
    for table in LAST:
        op.drop_column(table, "updated_at")
