"""The shape of the database: up, down, and nothing between the migrations and the mapped tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text

from cases import bodies, feeds, imports, people, queue, store
from cases.tables_work import Foreign
from cases.workflow import BodyKind, Role
from gnomon.config import Settings
from gnomon.database import Base, connect, transaction


def test_the_migrated_database_is_what_the_tables_say(engine: Engine) -> None:
    with engine.connect() as connection:
        # What search needs is an index on a function, which only PostgreSQL has: it is no part of the mapped tables.
        options = {"include_name": lambda name, kind, _: kind != "index" or not str(name).startswith("ix_search_")}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_the_newest_revision_is_the_one_that_store_names() -> None:
    folder = Path(store.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_current_head() == store.HEAD


def test_down_removes_everything_and_up_makes_it_again(engine: Engine) -> None:
    store.downgraded(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    store.upgraded(engine)
    with engine.connect() as connection:
        assert store.revision(connection) == store.HEAD


def test_rows_of_the_first_revision_survive_the_second_and_back(engine: Engine, warn: Any) -> None:
    store.downgraded(engine, "0001")
    now = datetime.now(UTC)
    first = {"version": 1, "entity_kind": "institution", "entity_id": "H1", "entity_name": "甲医院", "scheme": "s"}
    first |= {"scene": "medical", "title_zh": "处方", "title_en": "Doses", "severity": "warn", "gravity": 0.9}
    first |= {"warnings": 1, "as_of": now, "state": "open", "opened_at": now, "updated_at": now}
    first |= {"transfers": 0, "urged": 0}
    places = ", ".join(f":{name}" for name in first)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO case_file ({', '.join(first)}) VALUES ({places})"), first)
    store.upgraded(engine)
    with transaction(engine) as session:
        (found,) = queue.cases(session, text="甲医").rows
        assert (found.pool, found.origin, found.level, found.moved_at) == (True, "warning", 0, found.updated_at)
    store.downgraded(engine, "0001")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT entity_name FROM case_file")).scalar() == "甲医院"
    store.upgraded(engine)


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


def test_what_is_followed_gets_the_moment_of_its_last_change(engine: Engine) -> None:
    store.downgraded(engine, "0002")
    columns = "entity_kind, entity_id, scheme, reason, expires_at, asked_by, asked_at, lifted_at"
    asked, lifted = "2026-03-02 08:00:00.000000+00", "2026-03-05 09:30:00.000000+00"
    if engine.dialect.name == "sqlite":
        asked, lifted = asked[:-3], lifted[:-3]
    with engine.begin() as connection:
        for end in ("NULL", f"'{lifted}'"):
            values = f"'institution', 'H1', '*', 'r', '{lifted}', 'a', '{asked}', {end}"
            connection.execute(text(f"INSERT INTO suppression ({columns}) VALUES ({values})"))
    store.upgraded(engine)
    with transaction(engine) as session:
        rows = feeds.changes(session, feeds.Feed.SUPPRESSIONS).rows
    assert [row["updated_at"][:16] for row in rows] == ["2026-03-02T08:00", "2026-03-05T09:30"]
    store.downgraded(engine, "0002")
    store.upgraded(engine)


def test_old_imports_get_the_numbering_of_the_body_that_brought_them_in(engine: Engine) -> None:
    export = "id,title\n1,x\n"
    with transaction(engine) as session:
        bodies.register(session, "甲局", BodyKind.DEPARTMENT, "test")
        ours = people.add(session, "ours", Role.SUPERVISOR, "test", organisation="甲局")
        imports.take(session, "csv", export, ours.by_way_of("token"))
    store.downgraded(engine, "0004")
    store.upgraded(engine)
    with transaction(engine) as session:
        assert session.scalars(select(Foreign.body)).all() == ["甲局"]
        assert imports.take(session, "csv", export, ours) == imports.Imported(0, 1, 0), "nothing enters a second time"
        bodies.register(session, "乙局", BodyKind.DEPARTMENT, "test")
        theirs = people.add(session, "theirs", Role.SUPERVISOR, "test", organisation="乙局")
        assert imports.take(session, "csv", export, theirs).new == 1
    store.downgraded(engine, "0004")
    with engine.connect() as connection:
        numbers = connection.execute(text("SELECT foreign_id FROM foreign_record ORDER BY id")).scalars().all()
    assert numbers == ["1", "1#2"]
    store.upgraded(engine)


def test_old_tokens_keep_their_role(engine: Engine) -> None:
    with transaction(engine) as session:
        people.add(session, "system", Role.SERVICE, "test")
        token = people.issue_token(session, "system", "test")
    store.downgraded(engine, "0004")
    store.upgraded(engine)
    with transaction(engine) as session:
        holder = people.person_of_token(session, token)
        assert holder is not None
        assert (holder.role, holder.scopes) == (Role.SERVICE, None)
