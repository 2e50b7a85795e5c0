"""Notices: what people should know about their cases, in both languages, until they have read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import audit, outbox, policy
from cases.people import Person
from cases.tables import Account, Case
from cases.tables_work import Notice
from cases.workflow import SPEAKERS, Role
from gnomon.i18n import both


def tell(session: Session, names: Iterable[str], found: Case, kind: str, moment: datetime, **values: object) -> None:
    """Leave a notice of this kind with everybody named who has an account; by e-mail too while the policy says so."""
    wanted = sorted(set(names))
    if not wanted:
        return
    text = both(f"cases.notice.{kind}", case=found.id, title=found.title, **values)
    accounts = select(Account).where(Account.name.in_(wanted), Account.disabled.is_(False))
    mails = policy.get(session, "mail")
    for account in session.scalars(accounts).all():
        session.add(Notice(name=account.name, case_id=found.id, kind=kind, text_zh=text.zh, text_en=text.en, at=moment))
        if mails and account.email:
            outbox.mail(session, account.email, f"notice.{kind}", text, moment)


def tell_chiefs(session: Session, found: Case, kind: str, moment: datetime, **values: object) -> None:
    """Leave a notice with the supervisors of the body that handles the case (with all, while no body does)."""
    query = select(Account.name).where(Account.role == Role.SUPERVISOR.value)
    if found.organisation is not None:
        query = query.where(Account.organisation == found.organisation)
    tell(session, session.scalars(query).all(), found, kind, moment, **values)


def tell_body(session: Session, body: str, found: Case, kind: str, moment: datetime, **values: object) -> None:
    """Leave a notice with the people of a body who may speak for it."""
    roles = [role.value for role in SPEAKERS]
    query = select(Account.name).where(Account.organisation == body, Account.role.in_(roles))
    tell(session, session.scalars(query).all(), found, kind, moment, **values)


def mine(
    session: Session,
    person: Person,
    unread: bool = False,
    before: int | None = None,
    limit: int = 50,
    since: datetime | None = None,
) -> Sequence[Notice]:
    """A person's notices, the newest first; `before` is the number of the last one seen so far.

    `since` leaves those that came, or were marked as read, at or after a moment.
    """
    query = select(Notice).where(Notice.name == person.name)
    if since is not None:
        query = query.where(Notice.updated_at >= since)
    if unread:
        query = query.where(Notice.read_at.is_(None))
    if before is not None:
        query = query.where(Notice.id < before)
    return session.scalars(query.order_by(Notice.id.desc()).limit(max(1, min(limit, 200)))).all()


def unread(session: Session, person: Person) -> int:
    """How many notices wait."""
    query = select(func.count()).select_from(Notice).where(Notice.name == person.name, Notice.read_at.is_(None))
    return session.scalar(query) or 0


def mark_read(session: Session, person: Person, numbers: Sequence[int], moment: datetime) -> int:
    """Mark these of the person's own notices as read; tells how many were new."""
    audit.begin(session)
    own = (Notice.name == person.name, Notice.read_at.is_(None), Notice.id.in_(list(numbers)[:1000]))
    found = session.scalars(select(Notice).where(*own)).all()
    for one in found:
        one.read_at = moment
    session.flush()
    return len(found)
