"""Saved searches: filters of the queue that a person keeps under a name, on every device and over the API alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import audit
from cases.pages import Order
from cases.people import Person
from cases.tables_work import SavedSearch
from cases.workflow import State
from gnomon.errors import Fault
from gnomon.terms import Severity

MOST = 50
"""Searches that one person may keep."""
LONGEST = 200
"""Characters of one filter."""
FILTERS = ("state", "owner", "kind", "scene", "scheme", "body", "model", "severity", "text", "order")
STATES = ("alive", *(state.value for state in State))
OWNERS = ("", "mine", "nobody", "copied", "overdue", "shuffled")
"""Whose cases, or which: one's own, nobody's, those one reads along, past their date, handed on too often."""


def fit(told: Mapping[str, object]) -> dict[str, str]:
    """All filters as they may be, whatever was told; what is not known falls back to the queue's own.

    >>> fit({"state": "open", "order": "by colour", "colour": "red"})["order"]
    'gravest'
    """
    given = {name: str(told.get(name) or "").strip()[:LONGEST] for name in FILTERS}
    given["state"] = given["state"] if given["state"] in STATES else "alive"
    given["owner"] = given["owner"] if given["owner"] in OWNERS else ""
    given["severity"] = given["severity"] if given["severity"] in tuple(Severity) else ""
    given["order"] = given["order"] if given["order"] in (Order.GRAVEST, Order.NEWEST) else Order.GRAVEST.value
    return given


def narrowed(filters: Mapping[str, str], reader: Person, now: datetime) -> dict[str, Any]:
    """What `pages.cases` is asked by, for filters as `fit` gives them."""
    owner = filters["owner"]
    return {
        "state": filters["state"],
        "owner": {"mine": reader.name, "nobody": ""}.get(owner),
        "copied_to": reader.name if owner == "copied" else None,
        "overdue_at": now if owner == "overdue" else None,
        "shuffled": True if owner == "shuffled" else None,
        "entity_kind": filters["kind"] or None,
        "scene": filters["scene"] or None,
        "scheme": filters["scheme"] or None,
        "organisation": filters["body"] or None,
        "model": filters["model"] or None,
        "severity": filters["severity"] or None,
        "text": filters["text"],
        "order": Order(filters["order"]),
    }


def mine(session: Session, person: Person) -> Sequence[SavedSearch]:
    """A person's searches, by name."""
    return session.scalars(
        select(SavedSearch).where(SavedSearch.account == person.name).order_by(SavedSearch.name)
    ).all()


def required(session: Session, person: Person, name: str) -> SavedSearch:
    """One of the person's own; a fault (404) when there is none of that name."""
    found = session.get(SavedSearch, (person.name, name))
    if found is None:
        raise Fault("cases.no_search", place=name, status=404)
    return found


def keep(session: Session, person: Person, name: str, filters: Mapping[str, object]) -> SavedSearch:
    """Keep these filters under a name, in place of what had it. Faults (422): no name, or `MOST` are kept already."""
    moment = audit.begin(session)
    name = name.strip()
    if not 0 < len(name) <= 40 or "/" in name or not name.isprintable():
        raise Fault("cases.search_name", place="name")
    found = session.get(SavedSearch, (person.name, name))
    if found is None:
        if len(mine(session, person)) >= MOST:
            raise Fault("cases.searches_full", place="name", most=MOST)
        found = SavedSearch(account=person.name, name=name)
        session.add(found)
    found.filters = {one: value for one, value in fit(filters).items() if value}
    found.saved_at = moment
    session.flush()
    return found


def forget(session: Session, person: Person, name: str) -> None:
    """Forget one of the person's own; a fault (404) when there is none of that name."""
    audit.begin(session)
    session.delete(required(session, person, name))
    session.flush()
