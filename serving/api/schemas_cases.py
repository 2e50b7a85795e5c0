"""What goes over the wire about cases and what people do with them, version 1."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field

from cases.asked import Part
from cases.bulk import MOST
from cases.tables import Case, Trail
from cases.workflow import Action, Move, Need, Side
from gnomon.terms import Outcome, Severity
from serving.api.schemas import TextOut, Wire

Number = Annotated[int, Field(ge=0, lt=2**63)]


class CaseOut(Wire):
    """A case as it stands; an action names its `version`."""

    id: int
    version: int
    title: TextOut
    entity_kind: str
    entity_id: str
    entity_name: str
    scene: str
    scheme: str
    severity: Severity
    state: str
    owner: str | None
    organisation: str | None
    warnings: int
    as_of: datetime
    opened_at: datetime
    updated_at: datetime
    claimed_at: datetime | None
    due: datetime | None
    closed_at: datetime | None
    transfers: int
    urged: int
    outcome: Outcome | None
    closing_reason: str | None
    amount_found: Decimal | None
    amount_recovered: Decimal | None
    people_handled: int | None
    earlier_id: int | None
    parent_id: int | None
    merged_into: int | None
    origin: str
    description: str | None
    liaison: str | None
    level: int = Field(description="0 nobody pressed, 1 supervised, 2 supervised again.")
    refusals: int
    shuffled: bool = Field(description="Was handed on so often that somebody should ask why.")
    pool: bool = Field(description="No body takes part yet.")

    @classmethod
    def of(cls, row: Case) -> Self:
        """From the queue's row."""
        same = {name: getattr(row, name) for name in CaseOut.model_fields if name != "title"}
        return cls(title=TextOut.of(row.title), **same)


class CasesOut(Wire):
    """A page of cases."""

    items: list[CaseOut]
    cursor: str | None = Field(description="Give it back for the next page; null on the last one.")


class MoveOut(Wire):
    """Something that the asking person may do with the case now."""

    action: Action
    title: TextOut
    meaning: TextOut
    needs_reason: bool
    needs_outcome: bool
    needs_person: bool
    needs: list[Need] = Field(description="What else a request has to hold.")

    @classmethod
    def of(cls, action: Action, move: Move) -> Self:
        """From the table of moves."""
        needs: dict[str, Any] = {n: getattr(move, n) for n in ("needs_reason", "needs_outcome", "needs_person")}
        needs["needs"] = sorted(move.needs)
        return cls(action=action, title=TextOut.of(move.title), meaning=TextOut.of(move.meaning), **needs)


class EventOut(Wire):
    """One event of the trail, with the hash that chains it."""

    seq: int
    at: datetime
    actor: str
    action: str
    case_id: int | None = Field(description="Number of the case that it is about.")
    before: Any
    after: Any
    hash: str

    @classmethod
    def of(cls, event: Trail) -> Self:
        """From the trail's row."""
        same = {name: getattr(event, name) for name in ("seq", "at", "actor", "action", "hash")}
        held = int(event.subject_id) if event.subject_kind == "case" else None
        return cls(case_id=held, before=json.loads(event.before), after=json.loads(event.after), **same)


class PartIn(Wire):
    """A sub-case of a split, or an item to be put right."""

    title: str = Field(max_length=400)
    to: str = Field("", max_length=80, description="Account of the person (sub-cases).")
    organisation: str = Field("", max_length=200)
    due: datetime | None = None


Names = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]


class DeedIn(Wire):
    """An action, and what it needs."""

    action: Action
    reason: str = Field("", max_length=4000)
    outcome: Outcome | None = None
    to: str = Field("", max_length=80, description="Account that a case is assigned, transferred or copied to.")
    due: datetime | None = None
    amount_found: Decimal | None = Field(None, description="Yuan.")
    amount_recovered: Decimal | None = Field(None, description="Yuan.")
    people_handled: int | None = None
    organisation: str = Field("", max_length=200, description="A registered body.")
    side: Side | None = Field(None, description="On which side a body is invited.")
    parts: list[PartIn] = Field([], max_length=100, description="Sub-cases, or items to be put right.")
    people: Names = Field([], description="Accounts called to a consultation.")
    bodies: Names = Field([], description="Bodies that a circular goes to.")
    other: int = Field(0, ge=0, lt=2**63, description="Number of another case, an item or a consultation.")
    answer: str = Field("", max_length=10, description="yes, no or (votes) abstain.")

    def given(self) -> dict[str, Any]:
        """As `cases.service.act` takes it."""
        told = {name: getattr(self, name) for name in DeedIn.model_fields if name != "action"}
        told["parts"] = [Part(part.title, part.to, part.organisation, part.due) for part in self.parts]
        return told


class ActionIn(DeedIn):
    """One action on a case, decided on one version of it."""

    version: Number | None = Field(
        None, description="Version of the case that was read (or `If-Match`); 409 when it has changed since."
    )


class BulkItemIn(Wire):
    """One case of many, and the version that was read."""

    case_id: Number
    version: Number


class BulkIn(DeedIn):
    """The same action on many cases."""

    cases: list[BulkItemIn] = Field(min_length=1, max_length=MOST)


class BulkItemOut(Wire):
    """What became of one of them."""

    case_id: int
    version: int | None = Field(description="Its new version; null when it was refused.")
    fault: str | None = Field(description="Why it was refused.")


class BulkOut(Wire):
    """What became of all; what is refused changes nothing and stops nothing."""

    done: int
    refused: int
    items: list[BulkItemOut]


class RaiseIn(Wire):
    """A problem as somebody puts it."""

    title: TextOut
    description: str = Field(min_length=1, max_length=20_000)
    scene: str = Field(min_length=1, max_length=80)
    scheme: str = Field(min_length=1, max_length=80)
    severity: Severity = Severity.WARN
    entity_kind: str = Field("", max_length=40, description="Empty: a matter that no profiled entity stands behind.")
    entity_id: str = Field("", max_length=400)
    entity_name: str = Field("", max_length=400)
    organisation: str = Field("", max_length=200, description="Body that is to handle it; default one's own.")


class RaiseHiddenIn(Wire):
    """Put a warning that a suppression hid into the queue after all."""

    reason: str = Field(min_length=1, max_length=4000)


class NextIn(Wire):
    """Which case one would take."""

    scene: str | None = Field(None, max_length=80)
    entity_kind: str | None = Field(None, max_length=40)
