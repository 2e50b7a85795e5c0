"""Cases out of other systems: CSV, exports of TheHive 4 and of Netflix Dispatch. Each record enters once, whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import audit, bodies, outbox, queue, raising
from cases.people import Person
from cases.raising import MATTER, Raised
from cases.tables import Account
from cases.tables_work import Foreign
from cases.workflow import Role, Side, State
from gnomon.errors import Fault, Misuse
from gnomon.terms import Outcome, Severity, Text

COLUMNS = (
    "id", "title", "description", "scene", "scheme", "severity", "entity_kind", "entity_id", "entity_name",
    "owner", "outcome", "opened_at", "closed_at", "amount_found", "amount_recovered",
)  # fmt: skip
"""Columns of a CSV; `id` and `title` are needed, a row with `outcome` is closed."""


@dataclass(frozen=True, slots=True)
class Old:
    """One case of another system, in our words."""

    id: str
    title: str
    description: str
    grave: bool
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    """Closed, with this outcome."""
    reason: str = ""
    owner: str = ""
    scene: str = "imported"
    scheme: str = "imported"
    entity: tuple[str, str, str] = ("", "", "")
    """Kind, id and name."""
    amount_found: Decimal | None = None
    amount_recovered: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's records; the three add up to their number."""

    new: int
    known: int
    """Entered before: nothing done."""
    skipped: int
    """Deleted over there."""


def take(session: Session, system: str, text: str, actor: Person, name: str = "") -> Imported:
    """Take in an export of `csv`, `thehive` or `dispatch`; all of it or, when a record is wrong, nothing.

    Every body has a numbering of its own, and its cases lie with it; `name` tells two systems of one make apart.
    Faults name the record: 400 no such export or unreadable, 409 a case about the same entity is open, 422 a value.
    """
    if system not in READERS:
        raise Misuse("cases.import_system", place=system, known=", ".join(READERS))
    moment = audit.begin(session)
    raising.may_import(actor)
    records, told = READERS[system]
    new = known = skipped = 0
    for number, record in enumerate(records(text), 1):
        place = f"{system}:{number}"
        try:
            old = told(record)
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
            raise Fault("cases.import_record", place=place, why=f"{type(error).__name__} {error}"[:200]) from None
        if old is None:
            skipped += 1
        elif _known(session, actor, name or system, old.id):
            known += 1
        else:
            _fits(place, name, old)
            _put(session, name or system, old, record, actor, moment)
            new += 1
    return Imported(new, known, skipped)


def _known(session: Session, actor: Person, system: str, number: str) -> bool:
    ours = Foreign.body == (actor.organisation or "")
    query = select(Foreign.id).where(ours, Foreign.system == system, Foreign.foreign_id == number)
    return session.scalar(query) is not None


def _fits(place: str, name: str, old: Old) -> None:
    kind, entity, _ = old.entity
    widths = ((name, 80), (old.id, 100), (old.scene, 80), (old.scheme, 80), (kind, 40), (entity, 200))
    for told, most in widths:
        if len(told) > most:
            raise Fault("cases.too_long", place=place, most=most)


def _put(session: Session, system: str, old: Old, record: Any, actor: Person, moment: datetime) -> None:
    kind, entity, name = old.entity
    body = actor.organisation or ""
    # Its old number is its name, by which it is found again.
    matter = ":".join(part for part in (body, system, old.id) if part)
    severity = Severity.ALERT if old.grave else Severity.WARN
    scope = (old.scene, old.scheme, severity, kind or MATTER, entity or matter, name or old.title)
    told = Raised(Text(old.title, old.title), old.description or old.title, *scope)
    case = raising.make(session, told, moment, "import")
    case.opened_at = old.opened_at or moment
    case.organisation = actor.organisation
    bodies.join(session, case, actor.organisation, Side.LEAD)
    account = session.get(Account, old.owner) if old.owner else None
    # Nobody's import puts cases on the desks of a body that is not theirs.
    if (
        account is not None
        and not account.disabled
        and (actor.role is Role.ADMINISTRATOR or bodies.answers_for(session, actor, account.name))
    ):
        case.owner, case.organisation = account.name, account.organisation
        bodies.join(session, case, account.organisation, Side.LEAD)
    if old.outcome is not None:
        case.state, case.outcome = State.CLOSED.value, old.outcome.value
        case.closing_reason, case.closed_at = old.reason or old.outcome.value, old.closed_at or moment
        case.amount_found, case.amount_recovered = old.amount_found, old.amount_recovered
    whole = json.dumps(record, ensure_ascii=False, default=str)
    made = Foreign(system=system, foreign_id=old.id, body=body, told=whole, verdict="imported", case_id=case.id)
    made.received_at = moment
    session.add(made)
    session.flush()
    after = {"origin": "import", "system": system, "foreign": old.id, "state": case.state, "outcome": case.outcome}
    audit.record(session, actor.actor, "open", queue.subject(case), None, {"version": case.version, **after})
    outbox.put(session, "case.open", case, actor.actor, moment)


def _csv(text: str) -> Iterable[Mapping[str, str]]:
    reader = csv.DictReader(text.splitlines())
    unknown = set(reader.fieldnames or ()) - set(COLUMNS)
    if unknown or not {"id", "title"} <= set(reader.fieldnames or ()):
        raise Misuse("cases.import_columns", place="csv:1", columns=", ".join(COLUMNS))
    return list(reader)


def _json(text: str) -> Iterable[Any]:
    """Records of a JSON list, of `{"cases": […]}` or `{"items": […]}`, or of one JSON object a line."""
    try:
        whole = json.loads(text)
    except ValueError:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise Misuse("cases.import_unreadable", place="json") from None
    if isinstance(whole, dict):
        whole = next((whole[key] for key in ("cases", "incidents", "items") if key in whole), [whole])
    if not isinstance(whole, list):
        raise Misuse("cases.import_unreadable", place="json")
    return whole


def _of_csv(row: Mapping[str, str | None]) -> Old:
    told = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if not told["id"] or not told["title"]:
        raise ValueError("id, title")
    return Old(
        id=told["id"],
        title=told["title"],
        description=told["description"],
        grave=Severity(told["severity"] or "warn") is Severity.ALERT,
        opened_at=_iso(told["opened_at"]),
        closed_at=_iso(told["closed_at"]),
        outcome=Outcome(told["outcome"]) if told["outcome"] else None,
        owner=told["owner"],
        scene=told["scene"] or "imported",
        scheme=told["scheme"] or "imported",
        entity=(told["entity_kind"], told["entity_id"], told["entity_name"]),
        amount_found=Decimal(told["amount_found"]) if told["amount_found"] else None,
        amount_recovered=Decimal(told["amount_recovered"]) if told["amount_recovered"] else None,
    )


_HIVE = {"TruePositive": Outcome.CONFIRMED, "FalsePositive": Outcome.FALSE_ALARM}
_HIVE_ENDED = {"Resolved", "Duplicated", "TruePositive", "FalsePositive", "Indeterminate", "Other"}


def _of_thehive(case: Mapping[str, Any]) -> Old | None:
    """A case of TheHive 4 (`status` Open, Resolved, Deleted or Duplicated), or of version 5 with its newer names."""
    status = case.get("status", "Open")
    if status == "Deleted":
        return None
    verdict = case.get("resolutionStatus") or (status if status in _HIVE else "")
    return Old(
        id=str(case.get("_id") or case.get("id") or case["caseId"]),
        title=f"{case['title']} #{case.get('caseId') or case.get('number') or ''}".removesuffix(" #"),
        description=case.get("description") or "",
        grave=int(case.get("severity", 2)) >= 3,
        opened_at=_millis(case.get("startDate") or case.get("createdAt") or case.get("_createdAt")),
        closed_at=_millis(case.get("endDate")),
        outcome=_HIVE.get(verdict, Outcome.USEFUL) if status in _HIVE_ENDED else None,
        reason=case.get("summary") or verdict or status,
        owner=case.get("owner") or case.get("assignee") or "",
    )


_DISPATCH = {"False Positive": Outcome.FALSE_ALARM, "Mitigated": Outcome.CONFIRMED}


def _of_dispatch(case: Mapping[str, Any]) -> Old:
    """A case or an incident of Netflix Dispatch."""
    severity = case.get("case_severity") or case.get("incident_severity") or {}
    holder = (case.get("assignee") or case.get("commander") or {}).get("individual") or {}
    closed = case.get("status") == "Closed"
    said = case.get("resolution_reason") or ""
    return Old(
        id=str(case.get("name") or case["id"]),
        title=case["title"],
        description=case.get("description") or "",
        grave=severity.get("name") in {"High", "Critical"},
        opened_at=_iso(case.get("reported_at") or case.get("created_at") or ""),
        closed_at=_iso(case.get("closed_at") or ""),
        outcome=_DISPATCH.get(said, Outcome.USEFUL) if closed else None,
        reason=case.get("resolution") or said,
        owner=holder.get("email") or "",
    )


def _iso(told: str) -> datetime | None:
    if not told:
        return None
    moment = datetime.fromisoformat(told)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _millis(told: Any) -> datetime | None:
    return None if told is None else datetime.fromtimestamp(float(told) / 1000, UTC)


Reader = tuple[Callable[[str], Iterable[Any]], Callable[[Any], Old | None]]
READERS: dict[str, Reader] = {
    "csv": (_csv, _of_csv),
    "thehive": (_json, _of_thehive),
    "dispatch": (_json, _of_dispatch),
}
