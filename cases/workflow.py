"""What may happen to a case: the one table of moves. No database in this file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cases.words import (
    ACTIONS,
    BODY_KINDS,
    MEANINGS,
    OUTCOMES,
    ROLES,
    SEVERITIES,
    SIDES,
    STATES,
    Action,
    BodyKind,
    Role,
    Side,
    State,
)
from gnomon.terms import Severity, Text

__all__ = [
    "ACTIONS",
    "ALIVE",
    "BODY_KINDS",
    "CASEWORK",
    "CHIEFS",
    "ENDED",
    "JUDGES",
    "MEANINGS",
    "MOVES",
    "OUTCOMES",
    "READERS",
    "ROLES",
    "SEVERITIES",
    "SIDES",
    "SPEAKERS",
    "STATES",
    "TERMS",
    "Action",
    "BodyKind",
    "Holder",
    "Move",
    "Need",
    "Role",
    "Side",
    "State",
    "moves",
]


class Holder(StrEnum):
    """Who owns the case after a move."""

    KEPT = "kept"
    ACTOR = "actor"
    NAMED = "named"
    """The person or body named in the request."""
    NOBODY = "nobody"


class Need(StrEnum):
    """What a request has to hold beside reason, outcome and person."""

    BODY = "body"
    """A registered body."""
    PARTS = "parts"
    PEOPLE = "people"
    BODIES = "bodies"
    OTHER_CASE = "other_case"
    ITEM = "item"
    """Number of a rectification item, in `other`."""
    CONSULTATION = "consultation"
    """Number of a consultation, in `other`."""
    ANSWER = "answer"
    """`yes` or `no`; a vote may also abstain."""
    DUE = "due"


TERMS: dict[Severity, int] = {Severity.WARN: 22, Severity.ALERT: 7}
"""Working days to handle a case, from its sign-in, when nobody set another date."""


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
    """When the case has an owner, only the owner and supervisors of its body may do it."""
    needs: frozenset[Need] = frozenset()
    sides: frozenset[Side] = frozenset({Side.LEAD})
    """Sides whose people may do it, where bodies are registered; empty: everybody who sees the case.
    Bodies of oversight always may."""
    pending: State | None = None
    """Where it leads when a second pair of eyes has to look first."""
    other_eyes: bool = False
    """Whoever proposed or submitted may not do it."""


CASEWORK = frozenset({Role.AUDITOR, Role.SUPERVISOR, Role.HANDLER})
"""Roles that handle cases; only they can own one."""
JUDGES = frozenset({Role.AUDITOR, Role.SUPERVISOR})
CHIEFS = frozenset({Role.SUPERVISOR})
SPEAKERS = CASEWORK | {Role.LIAISON}
"""Roles that may speak for their body."""
READERS = frozenset(Role) - {Role.ADMINISTRATOR}
"""Roles that may read cases."""
ENDED = frozenset({State.CLOSED, State.MERGED})
ALIVE = tuple(state for state in State if state not in ENDED)
"""States in which work is still to be done."""

_ANYBODY = frozenset(Side)
_WATCHING = frozenset({Side.LEAD, Side.SUPERVISOR, Side.REGULATOR})


def _table() -> dict[tuple[State, Action], Move]:
    table: dict[tuple[State, Action], Move] = {}

    def may(
        action: Action,
        by: frozenset[Role],
        ways: Iterable[tuple[State, State]],
        *,
        owner: Holder = Holder.KEPT,
        reason: bool = False,
        outcome: bool = False,
        person: bool = False,
        owner_only: bool = False,
        needs: Iterable[Need] = (),
        sides: frozenset[Side] = frozenset({Side.LEAD}),
        pending: State | None = None,
        other_eyes: bool = False,
    ) -> None:
        asked = (reason, outcome, person, owner_only, frozenset(needs))
        for state, to in ways:
            table[state, action] = Move(
                to, by, ACTIONS[action], MEANINGS[action], owner, *asked, sides, pending, other_eyes
            )

    opened, review, rectifying, closed = State.OPEN, State.REVIEW, State.RECTIFYING, State.CLOSED
    reminded, paused, closing, merged = State.REMINDED, State.PAUSED, State.CLOSING, State.MERGED
    worked = (review, rectifying, closing)
    alive = [(s, s) for s in ALIVE]
    always = [*alive, (closed, closed)]
    back = [(s, opened) for s in (opened, review, rectifying)]
    may(Action.CLAIM, CASEWORK, [(opened, review)], owner=Holder.ACTOR, owner_only=True)
    may(Action.REFUSE, CASEWORK, [(opened, opened)], owner=Holder.NOBODY, reason=True, owner_only=True)
    may(Action.ASSIGN, CHIEFS, back, owner=Holder.NAMED, person=True)
    may(Action.TRANSFER, CASEWORK, back, owner=Holder.NAMED, person=True, reason=True, owner_only=True)
    may(Action.RETURN, CASEWORK, back[:2], owner=Holder.NOBODY, reason=True, owner_only=True)
    may(Action.LIAISON, CHIEFS, alive, person=True)
    may(Action.INVITE, JUDGES, alive, needs=[Need.BODY])
    may(Action.CONFIRM, SPEAKERS, [(s, s) for s in worked], sides=_ANYBODY - {Side.LEAD, Side.HELPER})
    may(Action.SPLIT, JUDGES, [(review, review)], needs=[Need.PARTS], owner_only=True)
    may(Action.REMIND, JUDGES, [(opened, reminded)], reason=True, needs=[Need.BODY], owner_only=True)
    may(Action.RESPOND, SPEAKERS, [(reminded, opened)], reason=True, sides=_ANYBODY - {Side.LEAD})
    may(Action.STEP_IN, CHIEFS, [(reminded, opened)], reason=True)
    may(Action.PAUSE, JUDGES, [(review, paused)], reason=True, owner_only=True)
    may(Action.RESUME, JUDGES, [(paused, review)], owner_only=True)
    may(Action.EXTEND, CHIEFS, [(review, review), (rectifying, rectifying)], reason=True, needs=[Need.DUE])
    may(Action.RECTIFY, JUDGES, [(review, rectifying)], reason=True, owner_only=True)
    may(Action.SUBMIT, SPEAKERS, [(rectifying, rectifying)], reason=True, needs=[Need.ITEM], sides=_ANYBODY)
    checked = [(rectifying, rectifying), (review, review)]
    may(Action.CHECK, JUDGES, checked, needs=[Need.ITEM, Need.ANSWER], sides=_WATCHING, other_eyes=True)
    may(Action.REPORT, CASEWORK, [(rectifying, review)], reason=True, owner_only=True)
    may(Action.SUPERVISE, CHIEFS, alive, reason=True, sides=_WATCHING)
    may(Action.RESUPERVISE, CHIEFS, alive, reason=True, sides=frozenset({Side.SUPERVISOR}))
    may(Action.CONSULT, CASEWORK, [(s, s) for s in worked], reason=True, needs=[Need.PEOPLE], sides=_WATCHING)
    votes = [*((s, s) for s in worked), (paused, paused)]
    may(Action.VOTE, READERS, votes, needs=[Need.CONSULTATION, Need.ANSWER], sides=frozenset())
    may(Action.CONCLUDE, CASEWORK, votes, reason=True, needs=[Need.CONSULTATION], sides=_WATCHING)
    may(Action.CIRCULATE, CHIEFS, always, reason=True, needs=[Need.BODIES], sides=_WATCHING)
    may(Action.COPY, CASEWORK, always, person=True, sides=_ANYBODY)
    may(Action.NOTE, SPEAKERS, always, reason=True, sides=_ANYBODY)
    may(Action.CLOSE, JUDGES, [(review, closed)], reason=True, outcome=True, owner_only=True, pending=closing)
    may(Action.RECONCILE, JUDGES, [(closing, closed)], sides=_WATCHING, other_eyes=True)
    may(Action.DECLINE, JUDGES, [(closing, review)], reason=True, sides=_WATCHING)
    may(
        Action.MERGE,
        JUDGES,
        [(opened, merged), (review, merged)],
        reason=True,
        needs=[Need.OTHER_CASE],
        owner_only=True,
    )
    may(Action.UNMERGE, CHIEFS, [(merged, opened)], reason=True)
    may(Action.REOPEN, CHIEFS, [(closed, review)], reason=True)
    return table


MOVES = _table()
"""Everything that may happen: the API refuses from it, the console draws buttons from it, the docs print it."""


def moves(state: State | str, role: Role | str) -> dict[Action, Move]:
    """What a person of this role may do with a case in this state.

    >>> [action.value for action in moves("closed", "supervisor")]
    ['circulate', 'copy', 'note', 'reopen']
    """
    return {action: move for (at, action), move in MOVES.items() if at == state and role in move.by}
