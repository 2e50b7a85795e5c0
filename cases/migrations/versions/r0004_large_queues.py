"""Indexes that the pages and the search of a large queue are read from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

CHANGED = {
    # The common pool comes first: it is counted apart from what single bodies handle.
    "ix_case_file_counted": ("case_file", ["state", "pool", "owner", "id"], ["pool", "state", "owner", "id"]),
    # A scoring run puts everything at one moment: who follows goes on by the number.
    "ix_warning_issued_at": ("warning", ["issued_at"], ["issued_at", "id"]),
    "ix_trail_at": ("trail", ["at"], ["at", "seq"]),
}
"""By name: the table, the columns before, and those from now on."""
DEEDS = "action NOT IN ('issue', 'open', 'join', 'read')"
# Single letters beside the pairs: a name of one letter is found as fast as one of two.
GRAMS = """\
CREATE FUNCTION gnomon_grams(told text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT coalesce(array_agg(DISTINCT substr(told, n, size)), '{}')
FROM generate_series(1, length(told)) AS n, generate_series(1, 2) AS size $$"""
SEARCH = {
    "ix_search_case": ("case_file", "haystack", ""),
    "ix_search_warning": ("warning", "lower(entity_name || ' ' || entity_id || ' ' || scheme)", ""),
    "ix_search_trail": ("trail", "lower(after)", f" WHERE {DEEDS}"),
}


def upgrade() -> None:
    """Change the indexes, and make those for what people did and for single letters."""
    for name, (table, _, columns) in CHANGED.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns)
    where = sa.text(DEEDS)
    op.create_index("ix_trail_deeds", "trail", ["seq"], sqlite_where=where, postgresql_where=where)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(GRAMS)
        _search("gnomon_grams")


def downgrade() -> None:
    """As it was."""
    if op.get_bind().dialect.name == "postgresql":
        _search("gnomon_bigrams")
        op.execute("DROP FUNCTION gnomon_grams(text)")
    op.drop_index("ix_trail_deeds", "trail")
    for name, (table, columns, _) in CHANGED.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns)


def _search(function: str) -> None:
    for name, (table, column, where) in SEARCH.items():
        op.drop_index(name, table)
        op.execute(f"CREATE INDEX {name} ON {table} USING gin ({function}({column})){where}")
