"""The shape of the database: up, down, and nothing between the migrations and the mapped tables."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from cases import store
from gnomon.config import Settings
from gnomon.database import Base, connect


def test_the_migrated_database_is_what_the_tables_say(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_newest_revision_is_the_one_that_store_names() -> None:
    folder = Path(store.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_current_head() == store.HEAD


def test_down_removes_everything_and_up_makes_it_again(engine: Engine) -> None:
    store.downgraded(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    store.upgraded(engine)
    with engine.connect() as connection:
        assert store.revision(connection) == store.HEAD


def test_a_workspace_with_odd_characters_works(tmp_path: Path) -> None:
    store.upgrade(Settings(workspace=tmp_path / "100% 数据 #1")).dispose()


def test_an_upgrade_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = connect(Settings(workspace=tmp_path))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE trail (x)")
    try:
        store.upgraded(engine)
    except Exception:
        assert inspect(engine).get_table_names() == ["trail"]
    else:
        raise AssertionError("the table was in the way")
    engine.dispose()
