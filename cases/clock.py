"""What time does to cases: overdue, stuck and unsigned ones are pressed for by themselves, and breaches foretold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from cases import bodies, pages, policy, service
from cases.calendar import WorkCalendar
from cases.people import Person
from cases.tables import Case
from cases.workflow import ALIVE, Action, Role, State
from gnomon.i18n import both

CLOCK = Person("clock", "clock", Role.SUPERVISOR, via=bodies.SYSTEM)
_COHORT = 2000
"""Latest cases that a forecast learns from."""
_LOOKED_BACK = 300
"""Latest cases that a calibration looks at."""
FEWEST = 20
"""Closed cases below which nothing is foretold."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one look at the clock did."""

    supervised: int
    resupervised: int
    stepped_in: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Whether a case will be done in time."""

    case_id: int
    due: datetime
    working_days_left: int
    """Negative when the date has passed."""
    breach: float | None
    """Chance that it will not be done by its date; null when too few cases were closed to tell."""
    learned_from: int
    """Closed cases that the chance is read from."""


def tick(session: Session, now: datetime | None = None) -> Ticked:
    """Press for what is overdue, stuck or unsigned. Run again at once it does nothing: it sees what it did before."""
    moment, days = now or datetime.now(UTC), policy.work_calendar(session)
    limits = {name: int(policy.get(session, name)) for name in ("sign_days", "stuck_days", "second_days")}
    done = {Action.SUPERVISE: 0, Action.RESUPERVISE: 0, Action.STEP_IN: 0}
    for found in _candidates(session, moment, limits):
        due = _due_action(found, moment, days, limits)
        if due is None:
            continue
        action, key, passed = due
        told = both(f"cases.clock.{key}", days=passed)
        service.act(session, found.id, action, CLOCK, found.version, f"{told.zh} {told.en}")
        done[action] += 1
    return Ticked(done[Action.SUPERVISE], done[Action.RESUPERVISE], done[Action.STEP_IN])


def forecast(
    session: Session, found: Case, reader: Person | None = None, now: datetime | None = None
) -> Forecast | None:
    """The chance that a case that was signed for misses its date; null when it has none or its clock stands still.

    Durations of those cases of the same scheme that `reader` may see, in working days without pauses, by the estimator
    of Kaplan and Meier (1958): cases that still run count with the time that they have run. Breach = S(days allowed) /
    S(days run).
    """
    if found.state not in _RUNNING or found.due is None:
        return None
    cohort = _cohort(session, found.scheme, reader)
    return _foretold(found, cohort, now or datetime.now(UTC), policy.work_calendar(session))


def forecasts(session: Session, reader: Person | None = None, now: datetime | None = None) -> list[Forecast]:
    """All running cases that `reader` may see, the one most likely to miss its date first; learned from no others."""
    moment, days = now or datetime.now(UTC), policy.work_calendar(session)
    cohorts: dict[str, list[tuple[datetime, datetime | None, int]]] = {}
    query = select(Case).where(Case.state.in_(_RUNNING), Case.due.is_not(None), bodies.visible(session, reader))
    found = []
    for case in session.scalars(query.order_by(Case.due).limit(_COHORT)):
        if case.scheme not in cohorts:
            cohorts[case.scheme] = _cohort(session, case.scheme, reader)
        told = _foretold(case, cohorts[case.scheme], moment, days)
        if told is not None:
            found.append(told)
    return sorted(found, key=lambda one: (-(one.breach or 0.0), one.working_days_left))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well breaches were foretold half-way, by what was known then."""

    cases: int
    """Closed cases that a chance could be told for."""
    told: float
    """Mean of the chances."""
    came: float
    """Share that did miss its date."""
    brier: float
    """Mean squared error of the chances."""
    baseline: float
    """The same for somebody who always tells the share that came: who is worse knows nothing about single cases."""


def calibration(session: Session, scheme: str, reader: Person | None = None) -> Calibration | None:
    """Foretell each of the latest closed cases of a scheme again, half-way to its date, from the cases known then.

    As forecasts do it looks at the cases that `reader` may see. Null when no chance could be told. Error: Brier (1950),
    Verification of forecasts expressed in terms of probability.
    """
    days, now = policy.work_calendar(session), datetime.now(UTC)
    query = _signed(session, scheme, reader).add_columns(Case.due).limit(_LOOKED_BACK)
    rows = [(begun, *rest) for begun, *rest in session.execute(query) if begun is not None]
    pairs = []
    for begun, closed, paused, due in rows:
        if closed is None or due is None or closed > now:
            continue
        allowed = days.between(begun, due) - paused
        moment = days.after(begun, allowed // 2)
        known = [(days.between(b, min(e or moment, moment)) - p, e is not None and e <= moment) for b, e, p, *_ in rows
                 if b < moment]  # fmt: skip
        reached = survival(known, allowed // 2)
        if closed > moment and sum(ended for _, ended in known) >= FEWEST and reached > 0:
            pairs.append((survival(known, allowed) / reached, closed > due))
    if not pairs:
        return None
    told, came = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    brier = sum((chance - late) ** 2 for chance, late in pairs) / len(pairs)
    return Calibration(len(pairs), told, came, brier, came * (1 - came))


def survival(durations: Sequence[tuple[int, bool]], at: int) -> float:
    """Share of cases that last longer than `at` days; each duration says whether it came to its end.

    >>> survival([(1, True), (2, True), (3, False), (4, True)], 2)
    0.5
    """
    share = 1.0
    for day in sorted({days for days, ended in durations if ended and days <= at}):
        running = sum(days >= day for days, _ in durations)
        share *= 1 - sum(ended and days == day for days, ended in durations) / running
    return share


_RUNNING = [State.REVIEW.value, State.RECTIFYING.value, State.CLOSING.value]


def _candidates(session: Session, moment: datetime, limits: dict[str, int]) -> Iterator[Case]:
    # Working days are never fewer than days: what is too young by days is too young.
    young = moment - timedelta(days=min(limits["sign_days"], limits["stuck_days"]))
    alive = [state.value for state in ALIVE if state is not State.PAUSED]
    query = select(Case).where(Case.state.in_(alive), or_(Case.due < moment, Case.moved_at < young))
    after = 0
    while rows := session.scalars(query.where(Case.id > after).order_by(Case.id).limit(pages.MOST)).all():
        yield from rows
        after = rows[-1].id


def _due_action(
    found: Case, moment: datetime, days: WorkCalendar, limits: dict[str, int]
) -> tuple[Action, str, int] | None:
    late = days.between(found.due, moment) if found.due is not None and found.due < moment else -1
    if found.state == State.REMINDED:
        return (Action.STEP_IN, "ignored", late) if late >= 0 else None
    still = days.between(found.moved_at or found.opened_at, moment)
    waits = found.state == State.OPEN
    if late >= 0:
        key, passed = "overdue", late
    elif still > limits["sign_days" if waits else "stuck_days"]:
        key, passed = "unsigned" if waits else "stuck", still
    else:
        return None
    pressed = None if found.urged_at is None else days.between(found.urged_at, moment)
    if found.level == 0:
        # Whoever moved the case on after it was pressed for has a day before the next time.
        return (Action.SUPERVISE, key, passed) if pressed is None or pressed >= 1 else None
    if found.level == 1 and pressed is not None and pressed >= limits["second_days"]:
        return Action.RESUPERVISE, key, passed
    return None


def _cohort(session: Session, scheme: str, reader: Person | None) -> list[tuple[datetime, datetime | None, int]]:
    rows = session.execute(_signed(session, scheme, reader).limit(_COHORT)).all()
    return [(row[0], row[1], row[2]) for row in rows if row[0] is not None]


def _signed(session: Session, scheme: str, reader: Person | None) -> Select[datetime | None, datetime | None, int]:
    """When cases of a scheme were signed for and closed, and how many days they stood still; the latest first."""
    query = select(Case.claimed_at, Case.closed_at, Case.paused_days).where(bodies.visible(session, reader))
    query = query.where(Case.scheme == scheme, Case.claimed_at.is_not(None), Case.state != State.MERGED.value)
    return query.order_by(Case.id.desc())


def _foretold(
    found: Case, cohort: Sequence[tuple[datetime, datetime | None, int]], moment: datetime, days: WorkCalendar
) -> Forecast | None:
    if found.state not in _RUNNING or found.due is None or found.claimed_at is None:
        return None
    durations = [(days.between(begun, end or moment) - paused, end is not None) for begun, end, paused in cohort]
    learned = sum(ended for _, ended in durations)
    left = days.between(moment, found.due)
    allowed = days.between(found.claimed_at, found.due) - found.paused_days
    run = days.between(found.claimed_at, moment) - found.paused_days
    breach = None
    if found.due < moment:
        breach = 1.0
    elif learned >= FEWEST:
        reached = survival(durations, run)
        breach = survival(durations, allowed) / reached if reached > 0 else None
    return Forecast(found.id, found.due, left, breach, learned)
