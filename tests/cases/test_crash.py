"""`kill -9` at any moment: no warning is lost, none enters twice, the trail holds."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import func, select

from cases import audit, queue, store
from cases.tables import Case, CaseWarning, IssuedWarning
from gnomon.config import Settings
from gnomon.database import transaction

ROUNDS = 20
WARNINGS, ENTITIES, BATCH = 1200, 300, 60

HAND_OVER = f"""
import runpy, sys
from pathlib import Path
from cases import queue, store
from gnomon.config import Settings
from gnomon.database import transaction
warned = runpy.run_path(sys.argv[2])["warned"]
engine = store.upgrade(Settings(workspace=Path(sys.argv[1])))
print("ready", flush=True)
warnings = [warned(entity=f"H{{n % {ENTITIES}}}", day=1 + n // {ENTITIES}) for n in range({WARNINGS})]
for start in range(0, {WARNINGS}, {BATCH}):
    with transaction(engine) as session:
        queue.hand_over(session, warnings[start : start + {BATCH}], "run", "service")
print("done", flush=True)
"""


def hand_over(workspace: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HAND_OVER, str(workspace), str(Path(__file__).with_name("conftest.py"))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def test_hand_over_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    moments = random.Random(20)
    kept = []
    for _ in range(ROUNDS):
        process = hand_over(tmp_path)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        process.communicate()
        engine = store.upgrade(Settings(workspace=tmp_path))
        with transaction(engine) as session:
            assert audit.verify(session).ok
            count = session.scalar(select(func.count()).select_from(IssuedWarning)) or 0
            assert session.scalar(select(func.count()).select_from(CaseWarning)) == count
            assert count % BATCH == 0, "a batch goes in whole or not at all"
            kept.append(count)
        engine.dispose()
    assert kept == sorted(kept)
    last = hand_over(tmp_path)
    assert "done" in last.communicate()[0]
    engine = store.upgrade(Settings(workspace=tmp_path))
    with transaction(engine) as session:
        assert audit.verify(session).ok
        assert session.scalar(select(func.count()).select_from(IssuedWarning)) == WARNINGS
        assert session.scalar(select(func.count()).select_from(Case)) == ENTITIES
        assert session.scalar(select(func.sum(Case.warnings))) == WARNINGS
        assert queue.cases(session).rows[0].warnings == WARNINGS // ENTITIES
    engine.dispose()
