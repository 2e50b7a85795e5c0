"""Bodies, who belongs to them, and what they may see: an organisation sees the cases that it takes part in.

Until a body is registered, everybody who handles cases sees all of them. From then on people see the cases in which
their body (or a department under it) takes part, those that they own or read along, and the common pool while the
policy `common_pool` holds. People of a body of oversight see everything; people of no registered body, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, delete, exists, literal, or_, select, true
from sqlalchemy import case as when
from sqlalchemy.orm import Session

from cases import audit, people, policy
from cases.people import Person
from cases.tables import Account, Case, CaseCopy, CaseWarning, IssuedWarning, Trail
from cases.tables_work import Body, Party, RoleGrant, Route
from cases.workflow import BodyKind, Role, Side
from gnomon.errors import Fault, nearest

ANY = "*"
_REACH, _GRANTS = "cases.reach", "cases.grants"
SYSTEM = "system"
"""How the product's own clock comes in: it stands above all sides."""


def register(
    session: Session, name: str, kind: BodyKind, actor: str, parent: str | None = None, oversight: bool = False
) -> Body:
    """Register a body. Raises `Fault` when the name is empty (422) or taken (409), or there is no such parent (404)."""
    moment = audit.begin(session)
    if not name.strip() or len(name) > 200:
        raise Fault("cases.body_name", place=name)
    if session.get(Body, name) is not None:
        raise Fault("cases.body_taken", place=name, status=409)
    if parent is not None:
        required(session, parent)
    made = Body(name=name, kind=kind.value, parent=parent, oversight=oversight, created_at=moment)
    session.add(made)
    session.flush()
    _forget(session)
    audit.record(session, actor, "add", audit.Subject("body", name), None, made.as_dict())
    return made


def required(session: Session, name: str) -> Body:
    """The body of this name; a fault (404) that names the nearest when there is none."""
    found = session.get(Body, name)
    if found is None:
        names = session.scalars(select(Body.name)).all()
        raise Fault("cases.no_body", place=name, status=404, nearest=nearest(name, names) or "–")
    return found


def everyone(session: Session) -> Sequence[Body]:
    """All bodies, by name."""
    return session.scalars(select(Body).order_by(Body.name)).all()


def route(session: Session, scene: str, names: Iterable[str], actor: str) -> None:
    """New cases of this scene belong to these bodies' queues from now on (and to no others)."""
    audit.begin(session)
    wanted = [required(session, name).name for name in names]
    session.execute(delete(Route).where(Route.scene == scene))
    session.add_all(Route(scene=scene, body=name) for name in wanted)
    session.flush()
    audit.record(session, actor, "route", audit.Subject("scene", scene), None, {"bodies": wanted})


def routes(session: Session) -> dict[str, list[str]]:
    """Bodies by scene."""
    found: dict[str, list[str]] = {}
    for scene, body in session.execute(select(Route.scene, Route.body).order_by(Route.scene, Route.body)):
        found.setdefault(scene, []).append(body)
    return found


def grant(session: Session, name: str, role: Role, actor: str, scene: str = ANY, body: str = ANY) -> None:
    """Give a person another role in one scene, in one body, or both; a body's cases become visible with it."""
    audit.begin(session)
    people.account(session, name)
    if body != ANY:
        required(session, body)
    session.merge(RoleGrant(name=name, scene=scene, body=body, role=role.value))
    session.flush()
    _forget(session)
    after = {"role": role.value, "scene": scene, "body": body}
    audit.record(session, actor, "grant", audit.Subject("account", name), None, after)


def withdraw(session: Session, name: str, actor: str, scene: str = ANY, body: str = ANY) -> None:
    """Take such a role away again."""
    audit.begin(session)
    session.execute(delete(RoleGrant).where(RoleGrant.name == name, RoleGrant.scene == scene, RoleGrant.body == body))
    _forget(session)
    audit.record(session, actor, "withdraw", audit.Subject("account", name), {"scene": scene, "body": body}, None)


def grants(session: Session, name: str) -> Sequence[RoleGrant]:
    """Roles of a person beside the one of the account."""
    known: dict[str, Sequence[RoleGrant]] = session.info.setdefault(_GRANTS, {})
    if name not in known:
        known[name] = session.scalars(select(RoleGrant).where(RoleGrant.name == name)).all()
    return known[name]


def _forget(session: Session) -> None:
    session.info.pop(_REACH, None)
    session.info.pop(_GRANTS, None)


def role_in(session: Session, person: Person, case: Case) -> Role:
    """The role that counts for this case: the most exact grant that fits, else the account's."""
    parties = None
    best, rank = person.role, -1
    for one in grants(session, person.name):
        if one.scene not in (ANY, case.scene):
            continue
        if one.body != ANY:
            parties = sides(session, case) if parties is None else parties
            if not any(party.body == one.body for party in parties):
                continue
        exact = (one.scene != ANY) + 2 * (one.body != ANY)
        if exact > rank:
            best, rank = Role(one.role), exact
    return best


def sides(session: Session, case: Case) -> Sequence[Party]:
    """The bodies that take part in a case."""
    return session.scalars(select(Party).where(Party.case_id == case.id).order_by(Party.since, Party.body)).all()


def reach(session: Session, person: Person | None) -> frozenset[str] | None:
    """Bodies whose cases this person sees; null for all. Looked up once a unit of work."""
    if person is None:
        return None
    known: dict[Person, frozenset[str] | None] = session.info.setdefault(_REACH, {})
    if person not in known:
        known[person] = _reach(session, person)
    return known[person]


def _reach(session: Session, person: Person) -> frozenset[str] | None:
    if person.via == SYSTEM or not policy.bodies_stand(session):
        return None
    own = {person.organisation} if person.organisation else set()
    own |= {one.body for one in grants(session, person.name) if one.body != ANY}
    rows = session.execute(select(Body.name, Body.parent, Body.oversight)).all()
    if any(row.oversight and row.name in own for row in rows):
        return None
    known = {row.name for row in rows} & own
    while True:
        below = {row.name for row in rows if row.parent in known} - known
        if not below:
            return frozenset(known)
        known |= below


def visible(session: Session, person: Person | None) -> ColumnElement[bool]:
    """The condition on `case_file` that leaves what this person may see."""
    return or_(*visible_apart(session, person))


def visible_apart(session: Session, person: Person | None) -> tuple[ColumnElement[bool], ...]:
    """The same as conditions of which no case fulfils two: counted one by one, each is read from an index alone."""
    if person is None or reach(session, person) is None:
        return (true(),)
    ways = or_(Case.owner == person.name, *(Case.id.in_(numbers) for numbers in _let_in(session, person)))
    return (Case.pool.is_(True), and_(Case.pool.is_(False), ways)) if _pool(session, person) else (ways,)


def visible_events(session: Session, person: Person | None) -> ColumnElement[bool]:
    """The condition on `trail` that leaves events about cases that this person may see.

    Asked event by event, as a page is read: a list of all visible cases would be made anew for every page.
    """
    if person is None or reach(session, person) is None:
        return true()
    # Only the number of a case is a number.
    number = when((Trail.subject_kind == "case", cast(Trail.subject_id, BigInteger)))
    own = or_(Case.owner == person.name, Case.pool.is_(True)) if _pool(session, person) else Case.owner == person.name
    here = select(literal(True)).where(Case.id == number, own).scalar_subquery().is_(True)
    return or_(*(number.in_(numbers) for numbers in _let_in(session, person)), here)


def _let_in(session: Session, person: Person) -> list[Select[int]]:
    """Numbers of the cases that a person reads along, and of those in which a body takes part that they see."""
    numbers = [select(CaseCopy.case_id).where(CaseCopy.name == person.name)]
    if seen := reach(session, person):
        numbers.append(select(Party.case_id).where(Party.body.in_(sorted(seen))))
    return numbers


def _pool(session: Session, person: Person) -> bool:
    """Whether the person sees the cases in which no body takes part yet."""
    return bool(policy.get(session, "common_pool")) and known_body(session, person)


def known_body(session: Session, person: Person) -> bool:
    """Whether the person belongs to a registered body."""
    return person.organisation is not None and session.get(Body, person.organisation) is not None


def answers_for(session: Session, person: Person, name: str) -> bool:
    """Whether the account `name` works in a body whose cases this person sees."""
    seen = reach(session, person)
    account = session.get(Account, name)
    return seen is None or (account is not None and account.organisation in seen)


def visible_warnings(session: Session, person: Person | None) -> ColumnElement[bool]:
    """The condition on `warning`: those in cases that this person may see."""
    if reach(session, person) is None:
        return true()
    held = select(CaseWarning.warning_id).join(Case, Case.id == CaseWarning.case_id)
    return IssuedWarning.id.in_(held.where(visible(session, person)))


def sees(session: Session, person: Person | None, case_id: int) -> bool:
    """Whether this person may see this case."""
    query = select(exists().where(Case.id == case_id, visible(session, person)))
    return bool(session.scalar(query))


def sides_of(session: Session, person: Person, case: Case) -> frozenset[Side] | None:
    """The sides on which the person's bodies take part; null when they stand above sides.

    Of a case in the common pool, everybody who sees it may lead.
    """
    seen = reach(session, person)
    if seen is None:
        return None
    if case.pool or case.owner == person.name:
        return frozenset({Side.LEAD}) | _held(session, case, seen)
    return _held(session, case, seen)


def _held(session: Session, case: Case, seen: frozenset[str]) -> frozenset[Side]:
    held = [party for party in sides(session, case) if party.body in seen]
    leads = case.organisation is None or case.organisation in seen
    # Who handed the case on still reads it, and leads it no more.
    return frozenset(Side(one.side) for one in held if leads or one.side != Side.LEAD)


def seat(case_id: int, body: str, side: Side, moment: datetime) -> dict[str, Any]:
    """The row that says that a registered body takes part, for those who write many."""
    return {"case_id": case_id, "body": body, "side": side.value, "since": moment}


def join(session: Session, case: Case, body: str | None, side: Side) -> Party | None:
    """Let a body take part in a case; nothing happens when it does already, or is not registered."""
    if body is None or session.get(Body, body) is None:
        return None
    case.pool = False
    found = session.get(Party, (case.id, body, side.value))
    if found is None:
        found = Party(case_id=case.id, body=body, side=side.value, since=audit.begin(session))
        session.add(found)
        session.flush()
    return found
