"""Many processes on one SQLite: writers wait in line, and nobody is told that the database is locked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from cases import audit, people, queue
from cases.tables import Case, Trail
from cases.workflow import Role
from gnomon.config import Settings
from gnomon.database import connect, snapshot, transaction
from tests.cases.nursery import Nursery

PROCESSES, TURNS = 6, 25
WORK = f"""
import runpy
from pathlib import Path
from cases import pages, people, queue, service
from cases.workflow import Action
from gnomon.config import Settings
from gnomon.database import connect, snapshot, transaction
warned = runpy.run_path(conftest)["warned"]
engine = connect(Settings(workspace=Path(workspace), database=url))
ready.set()
for turn in range({TURNS}):
    with transaction(engine) as session:
        mine = people.required(session, f"worker{{number}}")
        queue.hand_over(session, [warned(entity=f"H{{n}}", day=1 + turn) for n in range(3)], "run", mine.name)
        service.take_next(session, mine)
    with snapshot(engine) as session:
        assert pages.cases(session, limit=5).rows
    with transaction(engine) as session:
        found = queue.found(session, 1 + turn % 3)
        service.act(session, found.id, Action.NOTE, mine, found.version, "已核对")
engine.dispose()
"""


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_template: Path) -> Any:
    engine = connect(Settings(workspace=tmp_path))
    (tmp_path / "gnomon.db").write_bytes(sqlite_template.read_bytes())
    yield engine
    engine.dispose()


def test_writers_in_many_processes_wait_and_none_is_turned_away(sqlite: Engine, tmp_path: Path) -> None:
    with transaction(sqlite) as session:
        for number in range(PROCESSES):
            people.add(session, f"worker{number}", Role.AUDITOR, "test")
    nursery = Nursery(sqlite, tmp_path)
    crew = [nursery.begun(WORK, number=number) for number in range(PROCESSES)]
    for process in crew:
        process.join(120)
    assert [process.exitcode for process in crew] == [0] * PROCESSES
    with transaction(sqlite) as session:
        notes = session.scalar(select(func.count()).select_from(Trail).where(Trail.action == "note"))
        assert notes == PROCESSES * TURNS
        assert session.scalar(select(func.sum(Case.warnings))) == 3 * TURNS, "each warning once, whoever came first"
        assert audit.verify(session).ok


def test_a_reader_waits_for_no_writer(sqlite: Engine, warn: Any) -> None:
    with transaction(sqlite) as writer:
        queue.hand_over(writer, [warn()], "run", "service")
        writer.flush()
        with snapshot(sqlite) as reader:
            assert reader.scalar(select(func.count()).select_from(Case)) == 0
    with snapshot(sqlite) as reader:
        assert reader.scalar(select(func.count()).select_from(Case)) == 1
