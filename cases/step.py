"""One action on its way: who does what to which case, once the table of moves has said yes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cases.asked import Named, Request
from cases.people import Person
from cases.tables import Case
from cases.workflow import Action, Move


@dataclass
class Step:
    """One action on its way: who does what to which case."""

    session: Session
    found: Case
    move: Move
    action: Action
    actor: Person
    asked: Request
    named: Named
    moment: datetime
    made: dict[str, Any] = field(default_factory=dict)
    """Numbers of rows that the action made, for the trail."""

    @property
    def place(self) -> str:
        """Where a fault is."""
        return str(self.found.id)
