"""Everything about a case beside its warnings and trail: sides, items, files, meetings, parts, merges, forecasts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import bodies, clock, meetings, merging, queue, rectification, rescreen
from cases.people import Person
from cases.tables import Case
from cases.workflow import ENDED, STATES, State

_ASIDE = ("told", "body")
"""Of a record of another system: what it said word for word, and whose numbering it is."""


def dossier(session: Session, case_id: int, reader: Person) -> dict[str, Any]:
    """Plain JSON values. `service.read` shows the case itself and records who opened it; this goes with it."""
    found = queue.found(session, case_id, reader=reader)
    parts = select(Case).where(Case.parent_id == case_id, bodies.visible(session, reader)).order_by(Case.id)
    told = clock.forecast(session, found, reader)
    theirs = rescreen.records(session, case_id)
    foreign = [{name: value for name, value in one.as_dict().items() if name not in _ASIDE} for one in theirs]
    return {
        "sides": [party.as_dict() for party in bodies.sides(session, found)],
        "parts": [_line(part) for part in session.scalars(parts)],
        "items": [item.as_dict() for item in rectification.items(session, case_id)],
        "attachments": [file.as_dict() for file in rectification.attachments(session, case_id)],
        "consultations": [
            {**one.as_dict(), "seats": [seat.as_dict() for seat in seats]}
            for one, seats in meetings.consultations(session, case_id)
        ],
        "circulars": [{**one.as_dict(), "audience": got.as_dict()} for one, got in meetings.audience(session, case_id)],
        "merges": [one.as_dict() for one in merging.history(session, case_id)],
        "foreign": foreign,
        "forecast": None
        if told is None
        else {"working_days_left": told.working_days_left, "breach": told.breach, "learned_from": told.learned_from},
    }


def public(session: Session, case_id: int) -> dict[str, Any] | None:
    """What everybody may be told about a case that has ended: no names, no reasons; null before the end."""
    found = queue.found(session, case_id)
    return told_to_all(found) if found.state in ENDED else None


def told_to_all(found: Case) -> dict[str, Any]:
    """What everybody may be told about an ended case."""
    state = STATES[State(found.state)]
    return {
        "id": found.id,
        "scene": found.scene,
        "opened": found.opened_at.date().isoformat(),
        "closed": found.closed_at.date().isoformat() if found.closed_at else None,
        "state": {"zh": state.zh, "en": state.en},
        "outcome": found.outcome,
        "amount_recovered": str(found.amount_recovered or 0),
        "people_handled": found.people_handled or 0,
    }


def _line(part: Case) -> dict[str, Any]:
    names = ("id", "title_zh", "title_en", "state", "owner", "organisation", "due", "outcome")
    whole = part.as_dict()
    return {name: whole[name] for name in names}
