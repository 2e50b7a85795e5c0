"""What may happen to a case: states, actions, roles and the one table of moves. No database in this file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gnomon.terms import Outcome, Severity, Text


class State(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    """Waits for somebody to sign for it; it may already be meant for a named person."""
    REVIEW = "review"
    RECTIFYING = "rectifying"
    CLOSED = "closed"


class Action(StrEnum):
    """What people do with a case."""

    CLAIM = "claim"
    ASSIGN = "assign"
    TRANSFER = "transfer"
    RETURN = "return"
    RECTIFY = "rectify"
    REPORT = "report"
    SUPERVISE = "supervise"
    COPY = "copy"
    NOTE = "note"
    CLOSE = "close"
    REOPEN = "reopen"


class Role(StrEnum):
    """What a person is here for. Whoever administers accounts does not handle cases, and the other way round."""

    AUDITOR = "auditor"
    SUPERVISOR = "supervisor"
    HANDLER = "handler"
    VIEWER = "viewer"
    DATA_SCIENTIST = "data_scientist"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


class Holder(StrEnum):
    """Who owns the case after a move."""

    KEPT = "kept"
    ACTOR = "actor"
    NAMED = "named"
    """The person named in the request."""
    NOBODY = "nobody"


STATES: dict[State, Text] = {
    State.OPEN: Text("待签收", "awaiting sign-in"),
    State.REVIEW: Text("办理中", "under review"),
    State.RECTIFYING: Text("整改中", "rectifying"),
    State.CLOSED: Text("已办结", "closed"),
}

ACTIONS: dict[Action, Text] = {
    Action.CLAIM: Text("签收", "sign in"),
    Action.ASSIGN: Text("分派", "assign"),
    Action.TRANSFER: Text("转办", "transfer"),
    Action.RETURN: Text("退回", "return"),
    Action.RECTIFY: Text("责令整改", "order rectification"),
    Action.REPORT: Text("上报整改结果", "report rectification"),
    Action.SUPERVISE: Text("督办", "supervise"),
    Action.COPY: Text("抄送", "copy to"),
    Action.NOTE: Text("备注", "note"),
    Action.CLOSE: Text("办结", "close"),
    Action.REOPEN: Text("重启办理", "reopen"),
}

MEANINGS: dict[Action, Text] = {
    Action.CLAIM: Text("签收后由本人办理，办理时限自此起算。", "You take the case; its time limit starts to run."),
    Action.ASSIGN: Text("指定承办人，等待其签收。", "Names the person who is to sign for the case."),
    Action.TRANSFER: Text(
        "转交他人办理，等待其签收；转办次数累计。", "Hands the case on; how often that happened is counted."
    ),
    Action.RETURN: Text("说明理由后退回，等待重新分派。", "Gives the case back, with the reason, to be assigned anew."),
    Action.RECTIFY: Text(
        "责令责任单位整改，等待上报结果。", "Orders the responsible body to put things right and report."
    ),
    Action.REPORT: Text("上报整改结果，转回核查。", "Reports what was put right; the case goes back to be checked."),
    Action.SUPERVISE: Text("督促承办人限期办理。", "Presses the owner to get on with it."),
    Action.COPY: Text(
        "抄送他人阅知，对方打开时留下阅读记录。", "Lets somebody read along; when they open it is recorded."
    ),
    Action.NOTE: Text("在办件轨迹中追加一条备注。", "Adds a note to the case's trail."),
    Action.CLOSE: Text(
        "填写结论和理由后办结，形成标签。", "Ends the case with an outcome and a reason, and makes a label."
    ),
    Action.REOPEN: Text(
        "说明理由后重新办理，原标签撤回。", "Takes the case up again, with the reason, and withdraws its label."
    ),
}

ROLES: dict[Role, Text] = {
    Role.AUDITOR: Text("监督人员", "auditor"),
    Role.SUPERVISOR: Text("督办负责人", "supervisor"),
    Role.HANDLER: Text("承办人", "handler"),
    Role.VIEWER: Text("查阅人员", "viewer"),
    Role.DATA_SCIENTIST: Text("数据分析师", "data scientist"),
    Role.ADMINISTRATOR: Text("系统管理员", "administrator"),
    Role.SERVICE: Text("系统对接账号", "service"),
}

OUTCOMES: dict[Outcome, Text] = {
    Outcome.CONFIRMED: Text("查实", "confirmed"),
    Outcome.USEFUL: Text("有价值但未查实", "useful, nothing proved"),
    Outcome.FALSE_ALARM: Text("误报", "false alarm"),
    Outcome.DATA_ERROR: Text("数据错误", "data error"),
}

SEVERITIES: dict[Severity, Text] = {
    Severity.WARN: Text("预警", "warning"),
    Severity.ALERT: Text("重点预警", "alert"),
}

TERMS: dict[Severity, timedelta] = {Severity.WARN: timedelta(days=30), Severity.ALERT: timedelta(days=10)}
"""Time to handle a case, from its sign-in, when nobody set another date."""


@dataclass(frozen=True, slots=True)
class Move:
    """One way on from a state."""

    to: State
    by: frozenset[Role]
    title: Text
    meaning: Text
    owner: Holder = Holder.KEPT
    needs_reason: bool = False
    needs_outcome: bool = False
    needs_person: bool = False
    """The request has to name somebody."""
    owner_only: bool = False
    """When the case has an owner, only the owner and supervisors may do it."""


CASEWORK = frozenset({Role.AUDITOR, Role.SUPERVISOR, Role.HANDLER})
"""Roles that handle cases; only they can own one."""
JUDGES = frozenset({Role.AUDITOR, Role.SUPERVISOR})
CHIEFS = frozenset({Role.SUPERVISOR})
READERS = frozenset(Role) - {Role.ADMINISTRATOR}
"""Roles that may read cases."""


def _table() -> dict[tuple[State, Action], Move]:
    table: dict[tuple[State, Action], Move] = {}

    def may(
        action: Action,
        by: frozenset[Role],
        ways: Iterable[tuple[State, State]],
        *,
        owner: Holder = Holder.KEPT,
        needs_reason: bool = False,
        needs_outcome: bool = False,
        needs_person: bool = False,
        owner_only: bool = False,
    ) -> None:
        needs = (needs_reason, needs_outcome, needs_person)
        for state, to in ways:
            table[state, action] = Move(to, by, ACTIONS[action], MEANINGS[action], owner, *needs, owner_only)

    opened, review, rectifying, closed = State.OPEN, State.REVIEW, State.RECTIFYING, State.CLOSED
    alive = [(s, s) for s in (opened, review, rectifying)]
    back = [(s, opened) for s in (opened, review, rectifying)]
    may(Action.CLAIM, CASEWORK, [(opened, review)], owner=Holder.ACTOR, owner_only=True)
    may(Action.ASSIGN, CHIEFS, back, owner=Holder.NAMED, needs_person=True)
    may(Action.TRANSFER, CASEWORK, back, owner=Holder.NAMED, needs_person=True, needs_reason=True, owner_only=True)
    may(Action.RETURN, CASEWORK, back[:2], owner=Holder.NOBODY, needs_reason=True, owner_only=True)
    may(Action.RECTIFY, JUDGES, [(review, rectifying)], needs_reason=True, owner_only=True)
    may(Action.REPORT, CASEWORK, [(rectifying, review)], needs_reason=True, owner_only=True)
    may(Action.SUPERVISE, CHIEFS, alive, needs_reason=True)
    may(Action.COPY, CASEWORK, [*alive, (closed, closed)], needs_person=True)
    may(Action.NOTE, CASEWORK, [*alive, (closed, closed)], needs_reason=True)
    may(Action.CLOSE, JUDGES, [(review, closed)], needs_reason=True, needs_outcome=True, owner_only=True)
    may(Action.REOPEN, CHIEFS, [(closed, review)], needs_reason=True)
    return table


MOVES = _table()
"""Everything that may happen: the API refuses from it, the console draws buttons from it, the docs print it."""


def moves(state: State | str, role: Role | str) -> dict[Action, Move]:
    """What a person of this role may do with a case in this state.

    >>> [action.value for action in moves("closed", "supervisor")]
    ['copy', 'note', 'reopen']
    """
    return {action: move for (at, action), move in MOVES.items() if at == state and role in move.by}
