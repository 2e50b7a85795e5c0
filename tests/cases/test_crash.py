"""`kill -9` at any moment: no warning is lost, none enters twice, every message arrives, the trail holds."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from cases import audit, outbox, queue
from cases.tables import Case, CaseWarning, IssuedWarning
from cases.tables_work import Delivery
from gnomon.database import transaction
from tests.cases.nursery import Nursery

ROUNDS = [pytest.param(20, id="20 moments"), pytest.param(200, id="200 moments", marks=pytest.mark.slow)]
WARNINGS, ENTITIES, BATCH = 1200, 300, 60

HAND_OVER = f"""
import runpy
from pathlib import Path
from cases import queue
from gnomon.config import Settings
from gnomon.database import connect, transaction
warned = runpy.run_path(conftest)["warned"]
engine = connect(Settings(workspace=Path(workspace), database=url))
warnings = [warned(entity=f"H{{n % {ENTITIES}}}", day=1 + n // {ENTITIES}) for n in range({WARNINGS})]
ready.set()
for start in range(0, {WARNINGS}, {BATCH}):
    with transaction(engine) as session:
        queue.hand_over(session, warnings[start : start + {BATCH}], "run", "service")
engine.dispose()
"""
DELIVER = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from cases import delivery
from gnomon.config import Settings
from gnomon.database import connect
settings = Settings(workspace=Path(workspace), database=url)
engine = connect(settings)
ready.set()
# Later each time, so that the leases of those who were killed have run out.
delivery.deliver(engine, settings, lambda: datetime.now(UTC) + timedelta(minutes=2 * turn))
engine.dispose()
"""


@pytest.fixture
def nursery(engine: Engine, tmp_path: Path) -> Nursery:
    return Nursery(engine, tmp_path)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_hand_over_killed_at_random_moments_loses_and_doubles_nothing(
    engine: Engine, nursery: Nursery, rounds: int
) -> None:
    moments = random.Random(20)
    kept = []
    for turn in range(rounds):
        process = nursery.begun(HAND_OVER)
        time.sleep(moments.uniform(0, 0.12))
        process.kill()
        process.join()
        with transaction(engine) as session:
            count = session.scalar(select(func.count()).select_from(IssuedWarning)) or 0
            assert session.scalar(select(func.count()).select_from(CaseWarning)) == count
            assert count % BATCH == 0, "a batch goes in whole or not at all"
            assert turn % 10 or audit.verify(session).ok
            kept.append(count)
    assert kept == sorted(kept)
    last = nursery.begun(HAND_OVER)
    last.join()
    assert last.exitcode == 0
    with transaction(engine) as session:
        assert audit.verify(session).ok
        assert session.scalar(select(func.count()).select_from(IssuedWarning)) == WARNINGS
        assert session.scalar(select(func.count()).select_from(Case)) == ENTITIES
        assert session.scalar(select(func.sum(Case.warnings))) == WARNINGS


@pytest.mark.parametrize("rounds", ROUNDS)
def test_delivery_killed_at_random_moments_loses_nothing_and_repeats_under_one_number(
    engine: Engine, nursery: Nursery, rounds: int, warn: Any, receiver: Any
) -> None:
    count = 15 * rounds
    with transaction(engine) as session:
        outbox.subscribe(session, "province", receiver.url, "test")
        queue.hand_over(session, [warn(entity=f"H{n}") for n in range(count)], "run", "service")
    moments = random.Random(21)
    for turn in range(rounds):
        process = nursery.begun(DELIVER, turn=turn)
        time.sleep(moments.uniform(0, 0.12))
        process.kill()
        process.join()
    last = nursery.begun(DELIVER, turn=rounds)
    last.join()
    assert last.exitcode == 0
    with transaction(engine) as session:
        events = set(session.scalars(select(Delivery.event)))
        assert session.scalar(select(func.count()).select_from(Delivery).where(Delivery.done_at.is_(None))) == 0
    got = Counter(headers["webhook-id"] for headers, _ in receiver.got)
    assert set(got) == events, "everything arrived, and nothing else"
    assert len(events) == count
    assert sum(got.values()) - count <= rounds, "at most the one message that was under way comes again"
