"""Rectification, item by item: ordered, submitted with evidence, checked by somebody else; and files as evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import audit, bodies, queue
from cases.asked import Conflict, Forbidden, Part
from cases.people import Person
from cases.tables import Case
from cases.tables_work import Attachment, Item
from cases.workflow import ACTIONS, READERS, ROLES, SPEAKERS, Action
from gnomon.errors import Fault

LARGEST = 20 * 2**20
"""Bytes of one file."""
KINDS: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (b"PK\x03\x04",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK\x03\x04",),
    "text/plain": (),
    "text/csv": (),
}
"""Media types that are taken, with what such files begin with; text has to be UTF-8."""


def order(session: Session, found: Case, parts: Sequence[Part]) -> list[Item]:
    """The items that were ordered."""
    made = [
        Item(case_id=found.id, title=part.title, body=part.organisation or None, due=part.due, state="ordered")
        for part in parts
    ]
    session.add_all(made)
    session.flush()
    return made


def items(session: Session, case_id: int) -> Sequence[Item]:
    """The items of a case, in the order they were ordered."""
    return session.scalars(select(Item).where(Item.case_id == case_id).order_by(Item.id)).all()


def submit(session: Session, found: Case, number: int, by: str, result: str, moment: datetime) -> Item:
    """One item was put right, says `by`; a fault (409) when it was passed already."""
    item = _item(session, found, number)
    if item.state == "passed":
        raise Conflict("cases.item_passed", place=str(found.id), item=number)
    item.state, item.result, item.submitted_by, item.submitted_at = "submitted", result, by, moment
    item.checked_by = item.checked_at = None
    return item


def check(session: Session, found: Case, number: int, by: str, passed: bool, moment: datetime) -> Item:
    """Pass or return a submitted item; faults: nothing was submitted (409), the same person submitted it (403)."""
    item = _item(session, found, number)
    if item.state != "submitted":
        raise Conflict("cases.item_not_submitted", place=str(found.id), item=number)
    if item.submitted_by == by:
        raise Forbidden("cases.same_eyes", place=str(found.id), action=ACTIONS[Action.CHECK])
    item.state, item.checked_by, item.checked_at = "passed" if passed else "returned", by, moment
    return item


def unfinished(session: Session, case_id: int) -> int:
    """Items that nobody has passed yet."""
    return _count(session, case_id, ("ordered", "submitted", "returned"))


def unreported(session: Session, case_id: int) -> int:
    """Items that still wait to be put right."""
    return _count(session, case_id, ("ordered", "returned"))


def awaits(session: Session, case_id: int, to_check: bool) -> bool:
    """Whether an item waits to be checked, or to be put right."""
    return _count(session, case_id, ("submitted",) if to_check else ("ordered", "returned")) > 0


def attach(
    session: Session, case_id: int, actor: Person, name: str, media_type: str, content: bytes, item: int | None = None
) -> Attachment:
    """Put a file to a case (or to one item). Raises `Fault`: 413 too large, 415 not what it says it is, 403, 404."""
    moment = audit.begin(session)
    found = queue.found(session, case_id, to_change=True, reader=actor)
    role = bodies.role_in(session, actor, found)
    if role not in SPEAKERS:
        raise Forbidden("cases.may_not_attach", place=str(case_id), role=ROLES[role])
    if not 0 < len(content) <= LARGEST:
        raise Fault("cases.file_size", place=name[:200], status=413, most=LARGEST // 2**20)
    if not name.strip() or len(name) > 200 or not _is(media_type, content):
        raise Fault("cases.file_type", place=name[:200], status=415, known=", ".join(KINDS))
    if item is not None:
        _item(session, found, item)
    made = Attachment(case_id=case_id, item_id=item, name=name, media_type=media_type, size=len(content))
    made.sha256, made.content = hashlib.sha256(content).hexdigest(), content
    made.added_by, made.added_at = actor.name, moment
    session.add(made)
    found.version += 1
    found.updated_at = moment
    session.flush()
    audit.record(session, actor.actor, "attach", queue.subject(found), None, made.as_dict())
    return made


def attachments(session: Session, case_id: int) -> Sequence[Attachment]:
    """Files of a case, oldest first."""
    return session.scalars(select(Attachment).where(Attachment.case_id == case_id).order_by(Attachment.id)).all()


def attachment(session: Session, number: int, reader: Person) -> Attachment:
    """One file; who opened it goes on the trail. A fault (404) when there is none that this person may see."""
    found = session.get(Attachment, number)
    if found is None or not bodies.sees(session, reader, found.case_id):
        raise Fault("cases.no_file", place=str(number), status=404)
    held = queue.found(session, found.case_id)
    if bodies.role_in(session, reader, held) not in READERS:
        raise Forbidden("cases.may_not_read", place=str(number), role=ROLES[reader.role])
    audit.record(
        session, reader.actor, "read", audit.Subject("attachment", str(number)), None, {"sha256": found.sha256}
    )
    return found


def _item(session: Session, found: Case, number: int) -> Item:
    item = session.get(Item, number)
    if item is None or item.case_id != found.id:
        raise Fault("cases.no_item", place=str(found.id), status=404, item=number)
    return item


def _count(session: Session, case_id: int, states: tuple[str, ...]) -> int:
    query = select(func.count()).select_from(Item).where(Item.case_id == case_id, Item.state.in_(states))
    return session.scalar(query) or 0


def _is(media_type: str, content: bytes) -> bool:
    begins = KINDS.get(media_type)
    if begins is None:
        return False
    if begins:
        return content.startswith(begins)
    try:
        return "\x00" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False
