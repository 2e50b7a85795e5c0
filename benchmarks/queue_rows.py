"""Rows for the benchmark of the queue: warnings, cases, their trail, bodies and people, written in bulk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from cases import audit, bodies, people
from cases.tables import Case, CaseWarning, IssuedWarning, Trail, TrailHead
from cases.tables_work import Party
from cases.workflow import BodyKind, Role
from gnomon.database import Base, transaction, write
from gnomon.terms import Evidence, Norm, Reason, Severity, Text, Warned

CITY, DOCTOR, BODY, OVERSIGHT = "chief", "doctor", "市医保局", "市纪委监委"
BEGUN = datetime(2026, 1, 5, tzinfo=UTC)
LATE = datetime(2026, 11, 1, tzinfo=UTC)
_BATCH = 5000


def warned(entity: str, model: str = "W001", scheme: str = "s0", day: int = 1, percentile: float = 0.97) -> Warned:
    """A warning with three reasons, as heavy as real ones are."""
    norm = Norm(Text("二级公立医院", "level 2 public hospitals"), 812, 3.0, 1.0, 1.0, 6.0)
    told = Text("人均处方量为同类的 23.4 倍。", "Prescribed per patient: 23.4 times the median.")
    rows = (Evidence("claim", "claim_id", tuple(f"C{n}" for n in range(10)), 412),)
    title = Text("人均处方量", "prescribed per patient")
    reasons = tuple(Reason(f"dose_{n}", title, 70.2, "DDD", norm, 67.2, 0.2, told, rows) for n in range(3))
    alert = Severity.ALERT if percentile > 0.99 else Severity.WARN
    return Warned(
        model, "rules@bench", Text("处方量异常", "Unusual prescribing"), "medical", scheme, alert, "institution",
        entity, f"第{entity}号人民医院", BEGUN + timedelta(days=day), 3, 0.7, 0.1, percentile, 0.45, reasons,
    )  # fmt: skip


def fill(engine: Engine, rows: int) -> int:
    """Make `rows` warnings in a fifth as many cases, a tenth of which one body handles; tells how many cases.

    A database that holds cases is left as it is.
    """
    cases = max(rows // 5, 50)
    with transaction(engine) as session:
        if session.get(Case, 1) is not None:
            return session.scalars(select(func.count()).select_from(Case)).one()
        bodies.register(session, OVERSIGHT, BodyKind.DISCIPLINE, "bench", oversight=True)
        bodies.register(session, BODY, BodyKind.DEPARTMENT, "bench")
        people.add(session, CITY, Role.SUPERVISOR, "bench", organisation=OVERSIGHT)
        people.add(session, DOCTOR, Role.AUDITOR, "bench", organisation=BODY)
    pack = json.dumps(warned("0").as_dict(), ensure_ascii=False, separators=(",", ":"))
    with transaction(engine) as session, _without_indexes(session):
        _write(session, Case, (_case(n) for n in range(1, cases + 1)))
        _write(session, IssuedWarning, (_warning(n, cases, pack) for n in range(1, rows + 1)))
        moment = BEGUN
        joined = ({"warning_id": n, "case_id": 1 + n % cases, "joined_at": moment} for n in range(1, rows + 1))
        _write(session, CaseWarning, joined)
        held = range(1, cases + 1, 10)
        _write(session, Party, ({"case_id": n, "body": BODY, "side": "lead", "since": moment} for n in held))
        if engine.dialect.name == "postgresql":
            for table in ("case_file", "warning"):
                session.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))
        head = session.scalars(select(TrailHead)).one()
        digest = hashlib.sha256(pack.encode()).hexdigest()
        events = audit.chained(_events(rows, cases, digest), head.at, head.seq, head.hash)
        head.seq, head.hash = _write(session, Trail, events)
    return cases


def _case(n: int) -> dict[str, Any]:
    ours = n % 10 == 1
    at = BEGUN + timedelta(minutes=n % 400_000)
    closed = n % 3 == 0
    name = f"第{n}号{'人民医院' if n % 4 else '县中心诊所'}"
    told = {
        "id": n,
        "version": 1,
        "entity_kind": "institution",
        "entity_id": f"H{n}",
        "entity_name": name,
        "scheme": f"s{n % 7}",
        "scene": "medical",
        "title_zh": "处方量异常",
        "title_en": "Unusual prescribing",
        "severity": "alert" if n % 20 == 0 else "warn",
        "gravity": (n * 7919 % 100_003) / 100_003 + (n % 20 == 0),
        "warnings": 5,
        "as_of": at,
        "state": "closed" if closed else "review" if ours else "open",
        "owner": DOCTOR if ours and not closed else None,
        "organisation": BODY if ours else None,
        "opened_at": at,
        "updated_at": at,
        "moved_at": at,
        "closed_at": at if closed else None,
        "outcome": "useful" if closed else None,
        "closing_reason": "无问题" if closed else None,
        "transfers": 0,
        "urged": 0,
        "origin": "warning",
        "pool": not ours,
        "level": 0,
        "refusals": 0,
        "shuffled": False,
        "paused_days": 0,
    }
    return {**told, "haystack": f"{name} h{n} 处方量异常 unusual prescribing s{n % 7}".lower()}


def _warning(n: int, cases: int, pack: str) -> dict[str, Any]:
    case = 1 + n % cases
    return {
        "id": n,
        "fingerprint": f"{n:064x}",
        "model": f"W{n % 40:03d}",
        "model_version": "rules@bench",
        "scene": "medical",
        "scheme": f"s{case % 7}",
        "severity": "warn",
        "entity_kind": "institution",
        "entity_id": f"H{case}",
        "entity_name": f"第{case}号人民医院",
        "as_of": BEGUN,
        "lake_version": 3,
        "score": 0.7,
        "percentile": 0.97,
        "issued_at": BEGUN + timedelta(seconds=n),
        "run_id": "bench",
        "pack": pack,
    }


def _events(rows: int, cases: int, digest: str) -> Iterator[audit.Event]:
    for n in range(1, rows + 1):
        after = {"case": 1 + n % cases, "model": f"W{n % 40:03d}", "run": "bench", "pack_sha256": digest}
        yield audit.Event("service", "issue", audit.Subject("warning", f"{n:064x}"), None, after)
    for n in range(1, cases + 1):
        subject = audit.Subject("case", str(n))
        yield audit.Event("service", "open", subject, None, {"version": 1, "severity": "warn"})
        yield audit.Event(DOCTOR, "note", subject, {}, {"reason": f"已调取处方，见卷宗第 {n % 1000} 号", "version": 1})


def _write(session: Session, table: type[Base], rows: Iterator[dict[str, Any]]) -> tuple[int, str]:
    """Write rows in bulk; tells number and hash of the last one, where rows have them."""
    batch: list[dict[str, Any]] = []
    while read := list(islice(rows, _BATCH)):
        batch = read
        write(session, table, batch)
    return batch[-1].get("seq", 0), batch[-1].get("hash", "")


@contextmanager
def _without_indexes(session: Session) -> Iterator[None]:
    """PostgreSQL builds an index over a full table many times faster than row by row."""
    if session.get_bind().dialect.name != "postgresql":
        yield
        return
    made = session.execute(_INDEXES).all()
    for name, _ in made:
        session.execute(text(f"DROP INDEX {name}"))
    yield
    for _, statement in made:
        session.execute(text(statement))


_INDEXES = text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename IN "
    "('case_file', 'warning', 'case_warning', 'party', 'trail') "
    "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
)
