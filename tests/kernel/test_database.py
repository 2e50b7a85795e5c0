"""Units of work on the embedded database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from gnomon.config import Settings
from gnomon.database import connect, snapshot, transaction


def test_a_unit_of_work_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    engine = connect(Settings(workspace=tmp_path))
    with transaction(engine) as session:
        session.execute(text("CREATE TABLE t (x INTEGER)"))
        session.execute(text("INSERT INTO t VALUES (1)"))

    def broken_off() -> None:
        with transaction(engine) as session:
            session.execute(text("INSERT INTO t VALUES (2)"))
            raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError, match="power"):
        broken_off()
    with transaction(engine) as session:
        assert session.execute(text("SELECT x FROM t")).scalars().all() == [1]
    engine.dispose()


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    engine = connect(Settings(workspace=tmp_path))
    with transaction(engine) as session:
        session.execute(text("CREATE TABLE t (x INTEGER)"))
    with transaction(engine) as writer:
        writer.execute(text("INSERT INTO t VALUES (1)"))
        with snapshot(engine) as reader:
            assert reader.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    with snapshot(engine) as reader:
        assert reader.execute(text("SELECT count(*) FROM t")).scalar_one() == 1
    engine.dispose()
