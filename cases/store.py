"""The database's shape: brought to the newest revision before anybody uses it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from gnomon.config import Settings
from gnomon.database import connect

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"
"""Newest revision; a test holds it to the migration files."""
LOCK = 4_706_766
"""PostgreSQL advisory lock under which one process at a time migrates."""


def upgrade(settings: Settings) -> Engine:
    """Bring the settings' database to the newest revision and give its engine."""
    return upgraded(connect(settings))


def upgraded(engine: Engine, to: str = "head") -> Engine:
    """Bring one database to a revision, in one transaction; nothing happens when it is there already."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if revision(connection) != (HEAD if to == "head" else to):
            # Alembic takes a fifth of a second to import: only who migrates pays.
            from alembic import command

            command.upgrade(_config(connection), to)
    return engine


def downgraded(engine: Engine, to: str) -> Engine:
    """Take one database back to a revision (`base` removes everything, data included)."""
    from alembic import command

    with engine.begin() as connection:
        command.downgrade(_config(connection), to)
    return engine


def revision(connection: Connection) -> str | None:
    """The revision that the database is at; null when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
