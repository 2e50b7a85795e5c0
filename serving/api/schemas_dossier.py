"""What goes over the wire about everything around a case: sides, items, files, meetings, circulars, merges."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from serving.api.schemas import TextOut, WarningLine, Wire
from serving.api.schemas_cases import CaseOut, EventOut, MoveOut


class SideOut(Wire):
    """A body that takes part, with its receipt and its confirmation."""

    case_id: int
    body: str
    side: str
    since: datetime
    received_by: str | None
    received_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None


class PartOut(Wire):
    """A sub-case."""

    id: int
    title_zh: str
    title_en: str
    state: str
    owner: str | None
    organisation: str | None
    due: datetime | None
    outcome: str | None


class ItemOut(Wire):
    """One thing to be put right."""

    id: int
    case_id: int
    title: str
    body: str | None
    due: datetime | None
    state: str = Field(description="ordered, submitted, passed or returned.")
    result: str | None
    submitted_by: str | None
    submitted_at: datetime | None
    checked_by: str | None
    checked_at: datetime | None


class AttachmentOut(Wire):
    """A file of a case; `GET /v1/attachments/{id}` gives its bytes."""

    id: int
    case_id: int
    item_id: int | None = Field(description="The rectification item that it is evidence of.")
    name: str
    media_type: str
    size: int
    sha256: str
    added_by: str
    added_at: datetime


class SeatOut(Wire):
    """Somebody called to a consultation, and their vote."""

    consultation_id: int
    name: str
    answer: str | None = Field(description="yes, no or abstain; null as long as they have not voted.")
    comment: str | None
    voted_at: datetime | None


class ConsultationOut(Wire):
    """A consultation with its votes and minutes."""

    id: int
    case_id: int
    topic: str
    called_by: str
    called_at: datetime
    minutes: str | None
    concluded_by: str | None
    concluded_at: datetime | None
    updated_at: datetime
    seats: list[SeatOut]


class AudienceOut(Wire):
    """A body that a circular went to, and its acknowledgement."""

    circular_id: int
    body: str
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    updated_at: datetime


class CircularOut(Wire):
    """What a body was told about a case: it reads this text, not the case."""

    id: int
    case_id: int
    told: str
    by: str
    at: datetime
    audience: AudienceOut


class MergeOut(Wire):
    """One case put into another, and whether that was undone."""

    id: int
    case_id: int
    into_id: int
    by: str
    at: datetime
    undone_by: str | None
    undone_at: datetime | None


class ForeignOut(Wire):
    """A record of another system behind the case, with both scores."""

    id: int
    system: str
    foreign_id: str
    their_score: float | None
    our_score: float | None
    our_percentile: float | None
    our_model: str | None
    verdict: str
    case_id: int
    received_at: datetime


class BreachOut(Wire):
    """Whether the case will be done in time."""

    working_days_left: int = Field(description="Negative when the date has passed.")
    breach: float | None = Field(description="Chance that it misses its date; null when too few closed to tell.")
    learned_from: int = Field(description="Closed cases, of those one may see, that it is read from.")


class CopyOut(Wire):
    """Who reads along, and since when they have."""

    name: str
    sent_at: datetime
    read_at: datetime | None


class CaseDetail(Wire):
    """A case with everything on its page."""

    case: CaseOut
    proposal: Any = Field(description="The closing that waits for a second pair of eyes.")
    warnings: list[WarningLine]
    moves: list[MoveOut]
    sides: list[SideOut]
    parts: list[PartOut]
    items: list[ItemOut]
    attachments: list[AttachmentOut]
    consultations: list[ConsultationOut]
    circulars: list[CircularOut]
    merges: list[MergeOut]
    foreign: list[ForeignOut]
    copies: list[CopyOut]
    forecast: BreachOut | None
    trail: list[EventOut]


class ResultOut(Wire):
    """What everybody may be told about a case that has ended: no names, no reasons."""

    id: int
    scene: str
    opened: str
    closed: str | None
    state: TextOut
    outcome: str | None
    amount_recovered: str
    people_handled: int
