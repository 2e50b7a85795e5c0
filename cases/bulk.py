"""The same action on many cases: each is done, refused and recorded by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from cases import service
from cases.people import Person
from cases.workflow import Action
from gnomon.errors import Fault, Misuse

MOST = 500


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one case."""

    case_id: int
    version: int | None
    """Its new version; null when it was refused."""
    fault: Fault | None


def act(
    session: Session, wanted: Sequence[tuple[int, int]], action: Action, actor: Person, *args: Any, **given: Any
) -> list[Item]:
    """Do one action on many cases (number and version that it was decided on), in the caller's transaction.

    What is refused changes nothing and stops nothing. `Misuse` (400) for more than `MOST`, or a case named twice.
    """
    if not 0 < len(wanted) <= MOST or len({case_id for case_id, _ in wanted}) != len(wanted):
        raise Misuse("cases.bulk", place=str(len(wanted)), most=MOST)
    done = []
    for case_id, version in wanted:
        try:
            with session.begin_nested():
                case = service.act(session, case_id, action, actor, version, *args, **given)
        except Fault as fault:
            done.append(Item(case_id, None, fault))
        else:
            done.append(Item(case_id, case.version, None))
    return done
