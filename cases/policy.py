"""How this deployment works where the makers may not decide: a few named policies, set by people, on the trail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import audit, calendar
from cases.calendar import WorkCalendar
from cases.tables_work import Body, Policy
from cases.workflow import TERMS
from gnomon.errors import Misuse
from gnomon.terms import Outcome, Severity, Text

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Known:
    """One policy: its default, what it means, and what it may hold."""

    default: Any
    meaning: Text
    fits: Callable[[Any], bool]


def _days(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1000


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _outcomes(value: Any) -> bool:
    return value == AUTO or (isinstance(value, list) and all(one in tuple(Outcome) for one in value))


def _calendar(value: Any) -> bool:
    try:
        return all(date.fromisoformat(day) is not None and kind in ("off", "work") for day, kind in value)
    except (TypeError, ValueError):
        return False


POLICIES: dict[str, Known] = {
    "four_eyes": Known(
        AUTO,
        Text(
            "须双人复核方可办结的结论；auto 表示登记了单位后“查实”须双人复核。",
            "Outcomes that close only when a second person agrees; auto: `confirmed`, once bodies are registered.",
        ),
        _outcomes,
    ),
    "common_pool": Known(
        True,
        Text(
            "尚无单位参与的办件对所有单位可见。",
            "Cases in which no body takes part yet are seen by every body's people.",
        ),
        _flag,
    ),
    "warn_days": Known(TERMS[Severity.WARN], Text("预警办理时限（工作日）。", "Working days for a warning."), _days),
    "alert_days": Known(
        TERMS[Severity.ALERT], Text("重点预警办理时限（工作日）。", "Working days for an alert."), _days
    ),
    "sign_days": Known(3, Text("签收时限（工作日）。", "Working days to sign for a case."), _days),
    "remind_days": Known(5, Text("前台提醒时限（工作日）。", "Working days of the soft mode."), _days),
    "stuck_days": Known(7, Text("无进展多少个工作日视为停滞。", "Working days without progress: stuck."), _days),
    "second_days": Known(
        5, Text("督办后多少个工作日无进展再监督。", "Working days after which supervision is supervised again."), _days
    ),
    "transfers": Known(3, Text("转办多少次予以标记。", "Transfers at which a case is flagged."), _days),
    "calendar": Known(
        [], Text("对内置节假日历的增补：[[日期, off|work], …]。", "Days added to the calendar."), _calendar
    ),
    "mail": Known(False, Text("通知同时发送邮件。", "Notices go out as e-mail too."), _flag),
}


def get(session: Session, name: str) -> Any:
    """The value that holds now."""
    row = session.get(Policy, name)
    return POLICIES[name].default if row is None else json.loads(row.value)


def put(session: Session, name: str, value: Any, actor: str) -> None:
    """Set a policy; `Misuse` (400) names those there are, or says that the value is unfit."""
    known = POLICIES.get(name)
    if known is None:
        raise Misuse("cases.policy_unknown", place=name, known=", ".join(POLICIES))
    if not known.fits(value):
        raise Misuse("cases.policy_unfit", place=name, meaning=known.meaning)
    audit.begin(session)
    before = get(session, name)
    session.merge(Policy(name=name, value=json.dumps(value)))
    session.flush()
    audit.record(session, actor, "policy", audit.Subject("policy", name), {"value": before}, {"value": value})


def four_eyes(session: Session) -> frozenset[str]:
    """Outcomes that need a second pair of eyes."""
    value = get(session, "four_eyes")
    if value == AUTO:
        return frozenset({Outcome.CONFIRMED.value}) if bodies_stand(session) else frozenset()
    return frozenset(value)


def bodies_stand(session: Session) -> bool:
    """Whether bodies are registered: from then on each sees its own cases only."""
    return bool(session.scalar(select(func.count()).select_from(select(Body.name).limit(1).subquery())))


def work_calendar(session: Session) -> WorkCalendar:
    """The shipped calendar with this deployment's days."""
    added = get(session, "calendar")
    return calendar.chinese().changed((date.fromisoformat(day), kind) for day, kind in added)
