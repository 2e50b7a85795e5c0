"""The database: engine and session. The edge opens a session and commits; the floors below never do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, MetaData, Table, create_engine, event, insert
from sqlalchemy.exc import DataError
from sqlalchemy.orm import DeclarativeBase, Session

from gnomon.config import Settings
from gnomon.errors import Fault

T = TypeVar("T")
IN_LIST = 500
"""Values in one IN list: SQLite before 3.32 takes 999 parameters a statement."""


class Base(DeclarativeBase):
    """Root of all mapped tables; names of constraints are fixed so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def connect(settings: Settings) -> Engine:
    """The engine for the settings' database; SQLite is set up for one writer and many readers."""
    url = settings.database_url
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    settings.workspace.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling starts too late for BEGIN IMMEDIATE; SQLAlchemy begins for us.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # One that reads first and writes later would fail with "database is locked" where this one waits its turn.
        only_reads = connection.get_execution_options().get("only_reads", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One unit of work: committed whole when the block ends well, undone whole when it does not.

    A value that the database cannot hold (a NUL character in PostgreSQL, say) is a fault (422).
    """
    with _storable(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def snapshot(engine: Engine) -> Iterator[Session]:
    """One consistent view for reading; it waits for no writer, its changes are never kept; faults as `transaction`."""
    reads = engine.execution_options(only_reads=True)
    with _storable(), Session(reads, expire_on_commit=False, autoflush=False) as session:
        yield session


@contextmanager
def _storable() -> Iterator[None]:
    try:
        yield
    except DataError:
        # What the driver says quotes the statement with all its values.
        raise Fault("gnomon.unstorable", place="database") from None


def parts(values: Iterable[T], size: int = IN_LIST) -> Iterator[list[T]]:
    """Many values in their order, as lists short enough for one IN list each."""
    rest = list(values)
    for start in range(0, len(rest), size):
        yield rest[start : start + size]


def write(session: Session, mapped: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write many new rows at once, in the session's transaction: by COPY on PostgreSQL, many times faster than INSERT.

    Every row names the same columns; numbers that the database gives out and defaults of the mapping do not come back.
    """
    session.flush()
    if not rows:
        return
    table: Any = mapped.__table__
    if session.get_bind().dialect.driver == "psycopg":
        _copy(session, table, rows)
    else:
        session.execute(insert(table), [dict(row) for row in rows])


def _copy(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    connection = session.connection()
    quote = connection.dialect.identifier_preparer
    names = list(rows[0])
    as_stored = [
        table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for name in names
    ]
    fields = list(zip(names, as_stored, strict=True))
    listed = ", ".join(quote.quote(name) for name in names)
    driver: Any = connection.connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {quote.format_table(table)} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[name] if stored is None else stored(row[name]) for name, stored in fields])
