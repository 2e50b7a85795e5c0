"""A database of each kind, and warnings made to measure."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from cases import people, store
from cases.people import Person
from cases.workflow import Role
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.terms import Evidence, Norm, Reason, Severity, Text, Warned

POSTGRESQL = os.environ.get("GNOMON_TESTS_POSTGRESQL")
"""SQLAlchemy URL of a PostgreSQL that tests may make schemas in; every test here then runs on it too."""

Warn = Callable[..., Warned]


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRESQL else ["sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database at the newest revision."""
    if request.param == "sqlite":
        made = store.upgrade(Settings(workspace=tmp_path))
        yield made
        made.dispose()
        return
    assert POSTGRESQL is not None
    schema = f"t_{secrets.token_hex(6)}"
    admin = create_engine(POSTGRESQL)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    made = create_engine(POSTGRESQL, connect_args={"options": f"-csearch_path={schema}"}, pool_size=40)
    yield store.upgraded(made)
    made.dispose()
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """One unit of work."""
    with transaction(engine) as opened:
        yield opened


@pytest.fixture
def warn() -> Warn:
    """Makes a warning about entity `H1` (a hospital) unless told otherwise."""
    return warned


@pytest.fixture
def staff(engine: Engine) -> dict[str, Person]:
    """One person of each role, and a second auditor, named by role."""
    with transaction(engine) as opened:
        made = {role.value: people.add(opened, role.value, role, "test") for role in Role}
        return made | {"auditor2": people.add(opened, "auditor2", Role.AUDITOR, "test")}


def warned(
    entity: str = "H1",
    model: str = "W001",
    scheme: str = "over-prescribing",
    day: int = 1,
    severity: Severity = Severity.WARN,
    percentile: float = 0.97,
    name: str = "甲医院",
) -> Warned:
    """A warning with one reason that adds up."""
    norm = Norm(Text("二级公立医院", "level 2 public hospitals"), 812, 3.0, 1.0, 1.0, 6.0)
    sentence = Text("为同类中位数的 23.4 倍。", "23.4 times the median of its peers.")
    evidence = (Evidence("claim", "claim_id", ("c1", "c2"), 40),)
    title = Text("人均处方量", "prescribed per patient")
    reason = Reason("dose_365d", title, 70.2, "DDD", norm, 67.2, 0.4, sentence, evidence)
    return Warned(
        model=model,
        model_version="rules@abc",
        title=Text("处方量异常", "Unusual prescribing"),
        scene="medical",
        scheme=scheme,
        severity=severity,
        entity_kind="institution",
        entity_id=entity,
        entity_name=name,
        as_of=datetime(2025, 1, day, 23, 59, tzinfo=UTC),
        lake_version=3,
        score=0.5,
        base=0.1,
        percentile=percentile,
        threshold=0.45,
        reasons=(reason,),
    )
