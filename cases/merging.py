"""Two cases that are one: the warnings move, the history of both stays, and it can be undone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases import audit, queue
from cases.asked import Conflict
from cases.people import Person
from cases.tables import Case, CaseWarning
from cases.tables_work import Merge
from cases.workflow import ENDED


def merge(session: Session, found: Case, other: int, actor: Person, moment: datetime) -> Case:
    """Put `found` into the case `other`. Faults: 404 one that the person may not see, 409 one that cannot take it."""
    into = queue.found(session, other, to_change=True, reader=actor)
    ended = [state.value for state in ENDED]
    if into.id == found.id or into.state in ended or found.parent_id is not None or into.parent_id is not None:
        raise Conflict("cases.merge_unfit", place=str(found.id), other=other)
    if session.scalar(select(Case.id).where(Case.parent_id == found.id, Case.state.not_in(ended)).limit(1)):
        raise Conflict("cases.merge_parts", place=str(found.id))
    held = update(CaseWarning).where(CaseWarning.case_id == found.id)
    session.execute(held.where(CaseWarning.first_case_id.is_(None)).values(first_case_id=found.id))
    session.execute(held.values(case_id=into.id))
    session.add(Merge(case_id=found.id, into_id=into.id, by=actor.name, at=moment))
    found.merged_into = into.id
    _take(session, into, found, 1, "absorb", actor, moment)
    return into


def unmerge(session: Session, found: Case, actor: Person, moment: datetime) -> int:
    """Undo the merge of `found`; tells the case that it was in."""
    made = session.scalars(
        select(Merge).where(Merge.case_id == found.id, Merge.undone_at.is_(None)).order_by(Merge.id.desc()).limit(1)
    ).one()
    no_other_open(session, found)
    into = queue.found(session, made.into_id, to_change=True)
    # Its warnings may have gone on with the case that took them.
    ours = update(CaseWarning).where(CaseWarning.first_case_id == found.id)
    session.execute(ours.values(case_id=found.id, first_case_id=None))
    made.undone_by, made.undone_at = actor.name, moment
    found.merged_into = None
    at: Case | None = into
    while at is not None:
        _take(session, at, found, -1, "release", actor, moment)
        at = None if at.merged_into is None else queue.found(session, at.merged_into, to_change=True)
    return into.id


def history(session: Session, case_id: int) -> list[Merge]:
    """Merges that this case was part of, on either side, oldest first."""
    about = (Merge.case_id == case_id) | (Merge.into_id == case_id)
    return list(session.scalars(select(Merge).where(about).order_by(Merge.id)))


def no_other_open(session: Session, found: Case) -> None:
    """Raise a fault (409) when another case about the same entity and scheme is being handled."""
    if found.parent_id is not None:
        return
    same = (Case.entity_kind == found.entity_kind, Case.entity_id == found.entity_id, Case.scheme == found.scheme)
    with session.no_autoflush:
        ended = [state.value for state in ENDED]
        alive = (Case.state.not_in(ended), Case.parent_id.is_(None), Case.id != found.id)
        other = session.scalar(select(Case.id).where(*same, *alive))
    if other is not None:
        raise Conflict("cases.other_open", place=str(found.id), other=other)


def standing(session: Session, merged: Case) -> Case | None:
    """The case that handles a merged one's warnings now; null when that one has ended."""
    at: Case | None = merged
    for _ in range(100):
        if at is None or at.merged_into is None:
            break
        at = session.get(Case, at.merged_into, with_for_update=True, populate_existing=True)
    return at if at is not None and at.state not in [state.value for state in ENDED] else None


def _take(session: Session, into: Case, found: Case, sign: int, action: str, actor: Person, moment: datetime) -> None:
    before = {"version": into.version, "warnings": into.warnings, "gravity": into.gravity}
    into.warnings += sign * found.warnings
    if sign > 0 and found.gravity > into.gravity:
        into.gravity, into.severity = found.gravity, found.severity
    into.as_of = max(into.as_of, found.as_of)
    into.version += 1
    into.updated_at = moment
    session.flush()
    after = {"case": found.id, "version": into.version, "warnings": into.warnings, "gravity": into.gravity}
    audit.record(session, actor.actor, action, queue.subject(into), before, after)
