"""The trail of a case in words: what was done, by whom, what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.tables import Trail
from cases.workflow import ACTIONS, OUTCOMES, STATES, Action, State
from gnomon.i18n import say
from gnomon.terms import Language, Outcome

OTHERS = ("open", "join", "attach", "absorb", "release", "give", "read")
"""Events of a case that are no actions."""
HANDING = frozenset({Action.ASSIGN, Action.TRANSFER, Action.INVITE, Action.REMIND})
"""Actions that bring a body in; what else changes the handling body follows from its owner."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the trail in words."""

    what: str
    actor: str
    at: datetime
    detail: str


def timeline(events: Sequence[Trail], names: Mapping[str, str], language: str) -> list[Told]:
    """The trail of a case, newest first, with `names` for accounts; readings are summed up in one line."""
    told: list[Told] = []
    readers: dict[str, int] = {}
    for event in events:
        if event.action == "read":
            readers[event.actor] = readers.get(event.actor, 0) + 1
            continue
        told.append(one(event, names, language))
    told.reverse()
    if readers:
        last = [event for event in events if event.action == "read"][-1]
        separator = "、" if language == Language.ZH else ", "
        who = separator.join(f"{_who(name, names, language)} × {count}" for name, count in readers.items())
        told.append(Told(say("serving.console.readings", language), who, last.at, ""))
    return told


def one(event: Trail, names: Mapping[str, str], language: str) -> Told:
    """One event by itself."""
    detail = "\n".join(_lines(event, names, language))
    return Told(_what(event.action, language), _who(event.actor, names, language), event.at, detail)


def _who(actor: str, names: Mapping[str, str], language: str) -> str:
    if actor.startswith(("gnomon:", "system:")):
        return say("serving.console.itself", language)
    way, _, name = actor.rpartition(":")
    known = names.get(name, name)
    return f"{known} ({way})" if way else known


def _what(action: str, language: str) -> str:
    if action in tuple(Action):
        return ACTIONS[Action(action)].said_in(language)
    return say(f"serving.console.event.{action}", language) if action in OTHERS else action


def _lines(event: Trail, names: Mapping[str, str], language: str) -> Iterator[str]:
    before: dict[str, Any] = json.loads(event.before) or {}
    after: dict[str, Any] = json.loads(event.after) or {}
    if "state" in before and "state" in after:
        yield f"{_state(before['state'], language)} → {_state(after['state'], language)}"
    if after.get("outcome") in tuple(Outcome):
        yield OUTCOMES[Outcome(after["outcome"])].said_in(language)
    if after.get("to"):
        yield f"→ {names.get(after['to'], after['to'])}"
    elif after.get("organisation") and event.action in HANDING:
        yield f"→ {after['organisation']}"
    yield from (f"· {part['title']}" for part in after.get("parts") or ())
    if event.action in ("vote", "check") and after.get("answer"):
        yield say(f"serving.console.{event.action}.{after['answer']}", language)
    if event.action == "attach":
        yield str(after.get("name", ""))
    if event.action in ("absorb", "release") and after.get("case"):
        yield say("serving.console.number", language, n=after["case"])
    seen = set()
    for name in ("reason", "closing_reason"):
        if after.get(name) and after[name] not in seen:
            seen.add(after[name])
            yield str(after[name])
    if event.action in ("open", "join") and after.get("warnings"):
        yield say("serving.console.event.warnings", language, n=len(after["warnings"]))


def _state(name: str, language: str) -> str:
    return STATES[State(name)].said_in(language) if name in tuple(State) else name
