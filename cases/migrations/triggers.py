"""Triggers that make a table append-only, as SQLite and PostgreSQL write them."""

from __future__ import annotations

from collections.abc import Iterator

SQLITE = """\
CREATE TRIGGER {table}_refuses_{verb} BEFORE {VERB} ON {table}
BEGIN SELECT RAISE(ABORT, 'the table {table} is append-only'); END"""

# INSERT OR REPLACE removes the old row without firing its delete trigger.
SQLITE_REPLACE = """\
CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
BEGIN SELECT RAISE(ABORT, 'the table {table} is append-only'); END"""

POSTGRESQL_FUNCTION = """\
CREATE FUNCTION {table}_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the table {table} is append-only'; END $$"""

POSTGRESQL = """\
CREATE TRIGGER {table}_refuses_{verb} BEFORE {VERB} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuses()"""


def append_only(dialect: str, table: str, same: str) -> Iterator[str]:
    """Statements after which `table` only grows; `same` says in SQLite's words when NEW equals a row."""
    if dialect == "sqlite":
        for verb in ("update", "delete"):
            yield SQLITE.format(table=table, verb=verb, VERB=verb.upper())
        yield SQLITE_REPLACE.format(table=table, same=same)
        return
    yield POSTGRESQL_FUNCTION.format(table=table)
    for verb in ("update", "delete", "truncate"):
        yield POSTGRESQL.format(table=table, verb=verb, VERB=verb.upper())


def growing_again(dialect: str, table: str) -> Iterator[str]:
    """Statements that undo `append_only` before the table itself goes."""
    if dialect == "postgresql":
        yield f"DROP FUNCTION {table}_refuses() CASCADE"
