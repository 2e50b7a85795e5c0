"""What came of each warning, one row a warning: what precision, timing and the mix of reasons are told from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from weakref import WeakKeyDictionary

from sqlalchemy import Pool, select
from sqlalchemy.orm import Session

from cases import bodies
from cases.people import Person
from cases.tables import Case, CaseWarning, IssuedWarning
from gnomon.database import parts

BATCH = 1_000
"""Warnings that are held at once."""


@dataclass(frozen=True, slots=True)
class Came:
    """One warning and where its case stands. Holds no name and no id of anybody."""

    model: str
    model_version: str
    scene: str
    entity_kind: str
    organisation: str | None
    issued_at: datetime
    percentile: float
    reason: str
    """Measure that weighs most in the warning; empty when it has none."""
    case_id: int
    opened_at: datetime
    claimed_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    """Of a closed case; null while it is open."""
    found: Decimal
    recovered: Decimal
    source: str | None = None
    """Source that most records of the entity come from; null where that is not known, or one source sends them all."""


Origins = Mapping[tuple[str, str], str]
"""Source of an entity, by kind and id."""


def about(session: Session, reader: Person | None = None) -> dict[str, set[str]]:
    """Ids of whom there are cases about, by kind of entity; of the cases that `reader` may see."""
    asked = select(Case.entity_kind, Case.entity_id).where(bodies.visible(session, reader)).distinct()
    told: dict[str, set[str]] = {}
    for kind, one in session.execute(asked):
        told.setdefault(kind, set()).add(one)
    return told


def came(
    session: Session,
    since: datetime | None = None,
    reader: Person | None = None,
    origins: Origins | None = None,
) -> Iterator[Came]:
    """Every warning issued at or after `since` (ever when None) with its case, the oldest first.

    `reader` leaves the cases that this person may see; `origins` tell which source each entity belongs to.
    """
    sources = origins or {}
    asked = (
        select(
            IssuedWarning.id, IssuedWarning.model, IssuedWarning.model_version, IssuedWarning.scene,
            IssuedWarning.entity_kind, IssuedWarning.issued_at, IssuedWarning.percentile, Case.organisation,
            Case.entity_id, Case.id.label("case_id"), Case.state, Case.opened_at, Case.claimed_at, Case.closed_at,
            Case.outcome, Case.amount_found, Case.amount_recovered,
        )
        .join(CaseWarning, CaseWarning.warning_id == IssuedWarning.id)
        .join(Case, Case.id == CaseWarning.case_id)
        .where(bodies.visible(session, reader))
        .order_by(IssuedWarning.issued_at, IssuedWarning.id)
        .execution_options(yield_per=BATCH)
    )  # fmt: skip
    if since is not None:
        asked = asked.where(IssuedWarning.issued_at >= since)
    for rows in session.execute(asked).partitions():
        reasons = _heaviest(session, [row.id for row in rows])
        for row in rows:
            closed = row.state == "closed"
            yield Came(
                row.model, row.model_version, row.scene, row.entity_kind, row.organisation, row.issued_at,
                row.percentile, reasons[row.id], row.case_id, row.opened_at, row.claimed_at,
                row.closed_at if closed else None, row.outcome if closed else None, row.amount_found or Decimal(0),
                row.amount_recovered or Decimal(0), sources.get((row.entity_kind, row.entity_id)),
            )  # fmt: skip


_KNOWN: WeakKeyDictionary[Pool, dict[int, str]] = WeakKeyDictionary()
"""Heaviest measure by warning, of each open database: packs are large and never change, so each is read once.

By the pool of connections, which is one for a database; every snapshot reads through an engine of its own."""


def _heaviest(session: Session, ids: Sequence[int]) -> Mapping[int, str]:
    """The measure that weighs most in each of these warnings (and in others)."""
    known = _KNOWN.setdefault(session.get_bind().engine.pool, {})
    for part in parts(one for one in ids if one not in known):
        some = select(IssuedWarning.id, IssuedWarning.pack).where(IssuedWarning.id.in_(part))
        for number, pack in session.execute(some):
            reasons = json.loads(pack)["reasons"]
            first = max(reasons, key=lambda one: abs(one["contribution"]), default={"measure": ""})
            # The same few names over and over: one string each.
            known[number] = sys.intern(first["measure"])
    return known
