"""A database of each kind, and warnings made to measure."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cases import bodies, people, store
from cases.people import Person
from cases.workflow import BodyKind, Role
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.terms import Evidence, Norm, Reason, Severity, Text, Warned
from tests.databases import schema_of

Warn = Callable[..., Warned]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite at the newest revision, to be copied: migrating takes longer than most tests."""
    settings = Settings(workspace=tmp_path_factory.mktemp("template"))
    store.upgrade(settings).dispose()
    return settings.workspace / "gnomon.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    """An empty database at the newest revision."""
    if request.param == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "gnomon.db")
        made = store.upgrade(Settings(workspace=tmp_path))
        yield made
        made.dispose()
        return
    with schema_of(request.getfixturevalue("postgresql")) as made:
        yield store.upgraded(made)


@pytest.fixture
def postgresql_engine(postgresql: str) -> Iterator[Engine]:
    """An empty PostgreSQL, for what concerns it alone."""
    with schema_of(postgresql) as made:
        yield store.upgraded(made)


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


class Receiver(ThreadingHTTPServer):
    """Keeps what it got; answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?from=gnomon"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


@dataclass
class City:
    """Bodies of a city: oversight, two departments, an owner unit; and people of each by `<body> <role>`."""

    discipline: str = "市纪委监委"
    health: str = "市医保局"
    office: str = "基金监管科"
    """A department inside `health`."""
    housing: str = "市住建局"
    owner: str = "市城投公司"
    people: dict[str, Person] = field(default_factory=dict)

    def of(self, body: str, role: Role = Role.AUDITOR, number: int = 1) -> Person:
        """A person of a body."""
        return self.people[f"{body}-{role.value}-{number}"]


@pytest.fixture
def city(engine: Engine) -> City:
    """Bodies with an auditor, a second auditor, a supervisor, a handler, a liaison and a viewer each."""
    made = City()
    kinds = {
        made.discipline: (BodyKind.DISCIPLINE, None, True),
        made.health: (BodyKind.DEPARTMENT, None, False),
        made.office: (BodyKind.DEPARTMENT, made.health, False),
        made.housing: (BodyKind.DEPARTMENT, None, False),
        made.owner: (BodyKind.UNIT, None, False),
    }
    with transaction(engine) as opened:
        for name, (kind, parent, oversight) in kinds.items():
            bodies.register(opened, name, kind, "test", parent, oversight)
        roles = (Role.AUDITOR, Role.SUPERVISOR, Role.HANDLER, Role.LIAISON, Role.VIEWER)
        for name in kinds:
            for role in roles:
                for number in (1, 2):
                    account = f"{name}-{role.value}-{number}"
                    made.people[account] = people.add(opened, account, role, "test", None, account, name)
    return made


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
