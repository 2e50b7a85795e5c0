"""`kill -9` of the command `gnomon score` at any moment: each warning is issued and handed over exactly once."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, func, select

from cases import audit, outbox, store
from cases.tables import Case, CaseWarning, IssuedWarning
from cases.tables_work import Delivery
from features.contracts import contract_of
from features.lake import Lake
from gnomon.config import Settings
from gnomon.database import connect, transaction
from tests.cases.nursery import Nursery
from tests.databases import schema_of

CLINICS, KILLS_EACH = 30, 5
ROUNDS = [pytest.param(5, id="5 moments"), pytest.param(200, id="200 moments", marks=pytest.mark.slow)]
SCORE = """
import os
os.environ |= {"GNOMON_DATABASE": url, "GNOMON_THREADS": "1"}
from serving.cli import app
ready.set()
app(["score", "institution", "--audit-share", "0", "--workspace", workspace])
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty clinics; in four of them a third of the patients had died before their visit."""
    settings = Settings(workspace=tmp_path_factory.mktemp("city"))
    draw = random.Random(1)
    clinics = [{"org_id": f"C{n}", "name": f"第{n}诊所", "roles": ["clinic"], "level": "1"} for n in range(CLINICS)]
    dead = {f"P{30 * clinic + n}" for clinic in range(4) for n in range(10)}
    people = [f"P{n}" for n in range(CLINICS * 30)]
    persons = [{"person_id": one, "death_date": date(2024, 12, 1) if one in dead else None} for one in people]
    claims = [_claim(n, draw) for n in range(CLINICS * 30)]
    for table, rows in (("organization", clinics), ("person", persons), ("claim", claims)):
        _put(settings, table, rows)
    return settings.workspace


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, lake: Path, tmp_path: Path) -> Iterator[Any]:
    """Gives a fresh, empty database each time it is asked."""
    count = itertools.count()
    with ExitStack() as stack:

        def fresh() -> Engine:
            if request.param == "postgresql":
                return store.upgraded(stack.enter_context(schema_of(request.getfixturevalue("postgresql"))))
            url = f"sqlite:///{tmp_path}/round{next(count)}.db"
            made = store.upgraded(connect(Settings(workspace=lake, database=url)))
            stack.callback(made.dispose)
            return made

        yield fresh


def _claim(n: int, draw: random.Random) -> dict[str, Any]:
    at = datetime(2025, 1, 1, 2, tzinfo=UTC) + timedelta(days=draw.randrange(150))
    paid = Decimal(draw.randrange(50, 400))
    told: dict[str, Any] = {
        "claim_id": f"K{n}",
        "person_id": f"P{n}",
        "institution_id": f"C{n // 30}",
        "claim_type": "outpatient",
    }
    told |= {"service_from": at, "settled_at": at + timedelta(hours=1), "status": "settled"}
    return told | {"total_amount": paid + 20, "fund_amount": paid}


def _put(settings: Settings, table: str, rows: list[dict[str, Any]]) -> None:
    under = contract_of(table)
    lacking = {column.name for column in under.columns if column.required} - set(rows[0])
    told = {name: (under.by_name[name].values or ("x",))[0] for name in lacking}
    own = [field for field in under.schema if field.name in rows[0] or field.name in lacking]
    made = pa.Table.from_pylist([{**told, **row} for row in rows], schema=pa.schema(own))
    Lake(settings.lake_url).commit(table, made, "test", "0")


def _issued(engine: Engine) -> Counter[str]:
    """What stands in the database, which has to hold together whenever somebody looks."""
    with transaction(engine) as session:
        assert audit.verify(session).ok
        found = Counter(session.scalars(select(IssuedWarning.fingerprint)))
        assert session.scalar(select(func.count()).select_from(CaseWarning)) == found.total()
        assert (session.scalar(select(func.sum(Case.warnings))) or 0) == found.total()
        told = session.scalar(select(func.count()).select_from(Delivery))
        assert told == session.scalar(select(func.count()).select_from(Case)), "each case is told of once"
    return found


@pytest.mark.parametrize("rounds", ROUNDS)
def test_scoring_killed_at_random_moments_issues_each_warning_once(place: Any, lake: Path, rounds: int) -> None:
    moments = random.Random(22)
    engine = _fresh(place)
    begun = time.monotonic()
    _ended(Nursery(engine, lake))
    takes = time.monotonic() - begun
    expected = _issued(engine)
    assert len(expected) > 3
    cut = 0
    for turn in range(rounds):
        if turn % KILLS_EACH == 0:
            engine = _fresh(place)
        process = Nursery(engine, lake).begun(SCORE)
        time.sleep(moments.uniform(0, takes))
        cut += process.is_alive()
        process.kill()
        process.join()
        assert _issued(engine) in (Counter(), expected), "a kind of entity goes in whole or not at all"
        if turn % KILLS_EACH == KILLS_EACH - 1:
            _ended(Nursery(engine, lake))
            assert _issued(engine) == expected, "nothing is lost, nothing is issued twice"
    assert cut > rounds / 4, "most runs were killed while they worked"


def _fresh(place: Any) -> Engine:
    engine: Engine = place()
    with transaction(engine) as session:
        outbox.subscribe(session, "province", "http://127.0.0.1:9/", "test", ["case.open"])
    return engine


def _ended(nursery: Nursery) -> None:
    process = nursery.begun(SCORE)
    process.join()
    assert process.exitcode == 0
