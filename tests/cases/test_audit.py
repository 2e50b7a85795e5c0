"""The trail refuses to be rewritten, and tells where it was when somebody did it all the same."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cases import audit, queue
from gnomon.database import transaction


@pytest.fixture
def filled(engine: Engine, warn: Any) -> Engine:
    """Three cases: events 1 to 6 are issue ×3, open ×3."""
    with transaction(engine) as session:
        queue.hand_over(session, [warn(entity=f"H{n}") for n in (1, 2, 3)], "run1", "service")
    return engine


def tamper(engine: Engine, *statements: str) -> None:
    """Change rows the way somebody with the database's password would: triggers first."""
    with engine.begin() as connection:
        for table in ("trail", "warning"):
            for verb in ("update", "delete"):
                on = f" ON {table}" if engine.dialect.name == "postgresql" else ""
                connection.execute(text(f"DROP TRIGGER {table}_refuses_{verb}{on}"))
        for statement in statements:
            connection.execute(text(statement))


def broken(engine: Engine) -> tuple[str, str] | None:
    with transaction(engine) as session:
        found = audit.verify(session).broken
    return None if found is None else (found.kind, found.place)


def test_an_untouched_trail_verifies(filled: Engine) -> None:
    with transaction(filled) as session:
        verified = audit.verify(session)
    assert verified.ok
    assert (verified.events, verified.seq) == (6, 6)


def test_an_empty_trail_verifies(session: Session) -> None:
    assert audit.verify(session) == audit.Verified(0, 0, audit.NOTHING_BEFORE, None)


@pytest.mark.parametrize("table", ["trail", "warning"])
@pytest.mark.parametrize("statement", ["UPDATE {t} SET {c} = 'x'", "DELETE FROM {t}"])
def test_the_database_refuses_to_change_or_delete(filled: Engine, table: str, statement: str) -> None:
    column = "actor" if table == "trail" else "model"
    with pytest.raises(DBAPIError, match="append-only"), filled.begin() as connection:
        connection.execute(text(statement.format(t=table, c=column)))
    assert broken(filled) is None


def test_sqlite_refuses_to_replace(filled: Engine) -> None:
    if filled.dialect.name != "sqlite":
        with pytest.raises(DBAPIError, match="append-only"), filled.begin() as connection:
            connection.execute(text("TRUNCATE trail"))
        return
    columns = "chain, seq, at, 'mallory', action, subject_kind, subject_id, before, after, previous, hash"
    for statement in (
        f"INSERT OR REPLACE INTO trail SELECT {columns} FROM trail WHERE seq = 2",
        "INSERT OR REPLACE INTO warning SELECT * FROM warning WHERE id = 1",
    ):
        with pytest.raises(DBAPIError, match="append-only"), filled.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statements", "kind", "place"),
    [
        (["UPDATE trail SET actor = 'mallory' WHERE seq = 4"], "changed", "4"),
        (["UPDATE trail SET hash = '00' WHERE seq = 4"], "changed", "4"),
        (["UPDATE trail SET previous = '00' WHERE seq = 4"], "unlinked", "4"),
        (["DELETE FROM trail WHERE seq = 3"], "missing", "3"),
        (["DELETE FROM trail WHERE seq = 1"], "missing", "1"),
        (["DELETE FROM trail WHERE seq = 6"], "cut", "5"),
        (["DELETE FROM trail"], "cut", "0"),
        (
            [f"UPDATE trail SET seq = {b} WHERE seq = {a}" for a, b in ((3, 99), (4, 3), (99, 4))],
            "reordered",
            "3",
        ),
        (["UPDATE trail_head SET seq = 2"], "head", "6"),
    ],
)
def test_the_first_broken_link_is_found(filled: Engine, statements: list[str], kind: str, place: str) -> None:
    tamper(filled, *statements)
    assert broken(filled) == (kind, place)


def test_a_changed_or_removed_warning_is_found(filled: Engine, warn: Any) -> None:
    fingerprint = warn(entity="H2").fingerprint
    tamper(filled, f"UPDATE warning SET pack = replace(pack, '70.2', '7.2') WHERE fingerprint = '{fingerprint}'")
    assert broken(filled) == ("warning_changed", fingerprint)
    with filled.begin() as connection:
        connection.execute(text("DELETE FROM case_warning"))
        connection.execute(text(f"DELETE FROM warning WHERE fingerprint = '{fingerprint}'"))
    assert broken(filled) == ("warning_missing", fingerprint)


def test_a_trail_rewritten_from_end_to_end_is_found_by_a_hash_written_down(filled: Engine, warn: Any) -> None:
    with transaction(filled) as session:
        before = audit.verify(session)
        audit.record(session, "anna", "later", audit.Subject("case", "1"))
        assert audit.verify(session, (before.seq, before.head)).ok
        found = audit.verify(session, (before.seq, "0" * 64)).broken
        assert found is not None
        assert (found.kind, found.place) == ("rewritten", "6")
        cut = audit.verify(session, (99, before.head)).broken
        assert cut is not None
        assert cut.kind == "cut"


def test_a_transaction_undone_leaves_no_event(filled: Engine) -> None:
    with Session(filled) as session:
        audit.record(session, "anna", "note", audit.Subject("case", "1"))
        session.rollback()
    with transaction(filled) as session:
        assert audit.verify(session).seq == 6


def test_times_never_run_backwards(filled: Engine) -> None:
    with filled.begin() as connection:
        connection.execute(text("UPDATE trail_head SET at = '2999-01-01 00:00:00.000000'"))
    with transaction(filled) as session:
        audit.record(session, "anna", "note", audit.Subject("case", "1"))
        assert [event.at.year for event in audit.walk(session)][-1] == 2999
