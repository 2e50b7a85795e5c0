"""Questions that were answered recently: nobody is asked the same thing again needlessly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from cases import pages
from cases.workflow import State
from gnomon.terms import RANDOM, Severity
from serving.budget import Finding

REST = timedelta(days=180)
"""For this long after a case was closed, whatever its outcome, the same suspicion about the same entity rests."""


@dataclass(frozen=True)
class Settled:
    """Severity of the cases closed recently, by entity and scheme."""

    closed: Mapping[tuple[str, str], Severity]

    @property
    def looked_at(self) -> frozenset[str]:
        """Entities that chance drew and somebody looked at: they need not be drawn again for now."""
        return frozenset(entity_id for entity_id, scheme in self.closed if scheme == RANDOM)

    def covers(self, finding: Finding) -> bool:
        """Whether the finding asks again what was answered. An alert does when only a warning was answered before."""
        before = self.closed.get((finding.entity_id, finding.model.scheme))
        if before is None:
            return False
        return before is Severity.ALERT or finding.severity is Severity.WARN


def settled(
    session: Session, entity_kind: str, named: Callable[[str], str] = str, now: datetime | None = None
) -> Settled:
    """The cases about one kind of entity that were closed within `REST` of `now`.

    `named` says which entity the record of a case is read as by now.
    """
    since = (now or datetime.now(UTC)) - REST
    closed: dict[tuple[str, str], Severity] = {}
    cursor: str | None = None
    while True:
        # A closing changes the case, so every case closed since then has been updated since then.
        page = pages.cases(
            session,
            state=State.CLOSED,
            entity_kind=entity_kind,
            updated_since=since,
            cursor=cursor,
            limit=pages.MOST,
        )
        for case in page.rows:
            if case.closed_at is not None and case.closed_at >= since:
                about = (named(case.entity_id), case.scheme)
                grave = Severity.ALERT in (closed.get(about), case.severity)
                closed[about] = Severity.ALERT if grave else Severity.WARN
        if len(page.rows) < pages.MOST:
            return Settled(closed)
        cursor = page.cursor
