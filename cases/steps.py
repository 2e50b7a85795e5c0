"""What each action changes beyond state and owner. The table of moves has said yes before anything here runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from cases import audit, bodies, closing, meetings, merging, notices, policy, queue, rectification
from cases.asked import Conflict, Forbidden, side_of
from cases.step import Step
from cases.tables import Account, Case, CaseCopy
from cases.workflow import Action, Holder, Side, State
from gnomon.terms import Severity

PROGRESS = frozenset(Action) - {Action.NOTE, Action.COPY, Action.SUPERVISE, Action.RESUPERVISE, Action.EXTEND}
"""Actions that move a case on: talking about it, pressing for it and postponing it do not."""


def apply(step: Step) -> None:
    """Move the case and do what belongs to the action."""
    found = step.found
    own = _OWN.get(step.action)
    to = step.move.to
    if step.action is Action.CLOSE:
        to = closing.close(step)
    found.state = to.value
    _hold(step)
    if own is not None:
        own(step)
    if step.asked.due is not None and step.action not in (Action.SPLIT, Action.RECTIFY):
        found.due = step.asked.due
    if step.action in PROGRESS:
        found.moved_at = step.moment
        found.level = 0 if step.action not in (Action.STEP_IN, Action.VOTE, Action.CONSULT) else found.level


def term(session: Session, found: Case) -> int:
    """Working days to handle this case."""
    return int(policy.get(session, "alert_days" if found.severity == Severity.ALERT else "warn_days"))


def _hold(step: Step) -> None:
    found, move, named = step.found, step.move, step.named
    if move.owner is Holder.KEPT:
        return
    owner = {Holder.ACTOR: step.actor, Holder.NAMED: named.person, Holder.NOBODY: None}[move.owner]
    found.owner = None if owner is None else owner.name
    body = named.body.name if named.body is not None else None if owner is None else owner.organisation
    found.organisation = body or found.organisation
    bodies.join(step.session, found, found.organisation, Side.LEAD)


def _claim(step: Step) -> None:
    found = step.found
    found.claimed_at = step.moment
    found.due = found.due or policy.work_calendar(step.session).after(step.moment, term(step.session, found))


def _refuse(step: Step) -> None:
    step.found.refusals += 1
    notices.tell_chiefs(
        step.session, step.found, "refused", step.moment, by=step.actor.display, reason=step.asked.reason
    )


def _assign(step: Step) -> None:
    if step.named.person is not None:
        notices.tell(step.session, [step.named.person.name], step.found, "assigned", step.moment)


def _transfer(step: Step) -> None:
    found = step.found
    found.transfers += 1
    _assign(step)
    if not found.shuffled and found.transfers >= policy.get(step.session, "transfers"):
        found.shuffled = True
        notices.tell_chiefs(step.session, found, "shuffled", step.moment, times=found.transfers)


def _liaison(step: Step) -> None:
    assert step.named.person is not None
    step.found.liaison = step.named.person.name
    bodies.join(step.session, step.found, step.named.person.organisation, Side.HELPER)
    if not bodies.sees(step.session, step.named.person, step.found.id):
        _copy(step)
    notices.tell(step.session, [step.named.person.name], step.found, "liaison", step.moment)


def _invite(step: Step) -> None:
    assert step.named.body is not None
    bodies.join(step.session, step.found, step.named.body.name, side_of(step.asked))


def _confirm(step: Step) -> None:
    mine = closing.to_confirm(step.session, step.found, step.actor)
    if step.asked.side is not None:
        mine = [party for party in mine if party.side == step.asked.side]
    if not mine:
        raise Conflict("cases.nothing_to_confirm", place=step.place)
    for party in mine:
        party.confirmed_by, party.confirmed_at = step.actor.name, step.moment
    step.made["confirmed"] = [f"{party.body}:{party.side}" for party in mine]


def _split(step: Step) -> None:
    session, found = step.session, step.found
    made = []
    for part in step.asked.parts:
        made.append(_part(found, part.title, step.moment))
        made[-1].owner, made[-1].due = part.to or None, part.due
        person = session.get(Account, part.to) if part.to else None
        made[-1].organisation = part.organisation or (person.organisation if person else None)
    session.add_all(made)
    session.flush()
    for one in made:
        after = {"version": 1, "parent": found.id, "title": one.title_zh, "owner": one.owner}
        audit.record(session, step.actor.actor, "open", queue.subject(one), None, after)
        bodies.join(session, one, one.organisation or found.organisation, Side.LEAD)
        bodies.join(session, found, one.organisation, Side.HELPER)
        if one.owner:
            notices.tell(session, [one.owner], one, "assigned", step.moment)
    step.made["sub_cases"] = [one.id for one in made]


def _part(found: Case, title: str, moment: datetime) -> Case:
    names = ("entity_kind", "entity_id", "entity_name", "scheme", "scene", "severity", "gravity", "as_of")
    same = {name: getattr(found, name) for name in names}
    made = Case(version=1, **same, title_zh=title, title_en=title, warnings=0, state=State.OPEN.value, transfers=0)
    made.urged, made.opened_at, made.updated_at, made.moved_at = 0, moment, moment, moment
    made.parent_id, made.origin = found.id, found.origin
    return made


def _remind(step: Step) -> None:
    assert step.named.body is not None
    bodies.join(step.session, step.found, step.actor.organisation, Side.LEAD)
    bodies.join(step.session, step.found, step.named.body.name, Side.HELPER)
    days = policy.get(step.session, "remind_days")
    step.found.due = step.asked.due or policy.work_calendar(step.session).after(step.moment, days)
    notices.tell_body(step.session, step.named.body.name, step.found, "reminded", step.moment, reason=step.asked.reason)


def _respond(step: Step) -> None:
    step.found.due = None


def _step_in(step: Step) -> None:
    step.found.due = None
    step.found.level = max(step.found.level, 1)


def _pause(step: Step) -> None:
    step.found.paused_at = step.moment


def _resume(step: Step) -> None:
    found, days = step.found, policy.work_calendar(step.session)
    assert found.paused_at is not None
    stood = days.between(found.paused_at, step.moment)
    found.paused_days += stood
    if found.due is not None and stood:
        found.due = days.after(found.due, stood)
    found.paused_at = None


def _supervise(step: Step) -> None:
    found = step.found
    if step.action is Action.RESUPERVISE and found.level < 1:
        raise Conflict("cases.not_supervised", place=step.place)
    found.urged += 1
    found.urged_at = step.moment
    found.level = 2 if step.action is Action.RESUPERVISE else max(found.level, 1)
    kind = "resupervised" if step.action is Action.RESUPERVISE else "supervised"
    names = [found.owner] if found.owner else []
    notices.tell(step.session, names, found, kind, step.moment, reason=step.asked.reason)
    if step.action is Action.RESUPERVISE or not names:
        notices.tell_chiefs(step.session, found, kind, step.moment, reason=step.asked.reason)


def _copy(step: Step) -> None:
    named = step.named.person
    assert named is not None
    if step.session.get(CaseCopy, (step.found.id, named.name)) is not None:
        raise Conflict("cases.copied", place=step.place, name=named.name)
    step.session.add(CaseCopy(case_id=step.found.id, name=named.name, sent_at=step.moment))
    if step.action is Action.COPY:
        notices.tell(step.session, [named.name], step.found, "copied", step.moment)


def _rectify(step: Step) -> None:
    found = step.found
    made = rectification.order(step.session, found, step.asked.parts)
    for one in made:
        bodies.join(step.session, found, one.body, Side.HELPER)
    if made:
        step.made["items"] = [one.id for one in made]
    found.due = step.asked.due or found.due


def _submit(step: Step) -> None:
    seen = bodies.reach(step.session, step.actor)
    item = rectification.submit(
        step.session, step.found, step.asked.other, step.actor.name, step.asked.reason, step.moment
    )
    if item.body is not None and seen is not None and item.body not in seen:
        raise Forbidden("cases.side", place=step.place, action=step.move.title)


def _check(step: Step) -> None:
    passed = step.asked.answer == "yes"
    item = rectification.check(step.session, step.found, step.asked.other, step.actor.name, passed, step.moment)
    if not passed and item.submitted_by is not None:
        notices.tell(step.session, [item.submitted_by], step.found, "item_returned", step.moment, item=item.title)


def _report(step: Step) -> None:
    if waiting := rectification.unreported(step.session, step.found.id):
        raise Conflict("cases.items_unreported", place=step.place, count=waiting)


def _consult(step: Step) -> None:
    made = meetings.call(step.session, step.found, step.asked.reason, step.actor.name, step.named.people, step.moment)
    step.made["consultation"] = made.id
    names = [person.name for person in step.named.people]
    notices.tell(step.session, names, step.found, "consulted", step.moment, topic=step.asked.reason)


def _vote(step: Step) -> None:
    asked = step.asked
    meetings.vote(step.session, step.found, asked.other, step.actor.name, asked.answer, asked.reason, step.moment)


def _conclude(step: Step) -> None:
    counted = meetings.conclude(
        step.session, step.found, step.asked.other, step.actor.name, step.asked.reason, step.moment
    )
    step.made["votes"] = counted


def _circulate(step: Step) -> None:
    made = meetings.circulate(
        step.session, step.found, step.asked.reason, step.actor.name, step.named.bodies, step.moment
    )
    step.made["circular"] = made.id
    for body in step.named.bodies:
        notices.tell_body(step.session, body.name, step.found, "circulated", step.moment, text=step.asked.reason)


def _merge(step: Step) -> None:
    into = merging.merge(step.session, step.found, step.asked.other, step.actor, step.moment)
    step.made["into"] = into.id


def _unmerge(step: Step) -> None:
    step.made["from"] = merging.unmerge(step.session, step.found, step.actor, step.moment)


_OWN: dict[Action, Callable[[Step], None]] = {
    Action.CLAIM: _claim,
    Action.REFUSE: _refuse,
    Action.ASSIGN: _assign,
    Action.TRANSFER: _transfer,
    Action.LIAISON: _liaison,
    Action.INVITE: _invite,
    Action.CONFIRM: _confirm,
    Action.SPLIT: _split,
    Action.REMIND: _remind,
    Action.RESPOND: _respond,
    Action.STEP_IN: _step_in,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.SUPERVISE: _supervise,
    Action.RESUPERVISE: _supervise,
    Action.COPY: _copy,
    Action.RECONCILE: closing.reconcile,
    Action.DECLINE: closing.decline,
    Action.REOPEN: closing.reopen,
    Action.RECTIFY: _rectify,
    Action.SUBMIT: _submit,
    Action.CHECK: _check,
    Action.REPORT: _report,
    Action.CONSULT: _consult,
    Action.VOTE: _vote,
    Action.CONCLUDE: _conclude,
    Action.CIRCULATE: _circulate,
    Action.MERGE: _merge,
    Action.UNMERGE: _unmerge,
}
