"""What goes over the wire about jobs and about warnings of other platforms, version 1."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from cases.rescreen import Theirs
from cases.tables import Case
from cases.tables_work import Foreign
from gnomon.terms import Severity
from serving.api.schemas import EntityScoreOut, TextOut, Wire
from serving.jobs import MOST, Job, State

Short = Annotated[str, Field(min_length=1, max_length=200)]
MOST_FOREIGN = 500


class JobIn(Wire):
    """Score many entities at their stored profiles: those named, or all."""

    entity: str = Field(max_length=40)
    ids: list[Short] = Field([], max_length=MOST)
    everybody: bool = Field(False, description="All entities that have a stored profile.")
    explain: bool = False
    budget: int | None = Field(None, ge=1, le=MOST, description="Aim: so many entities to look at.")
    precision: float | None = Field(
        None, gt=0, lt=1, description="Aim: the learned model asks while so large a share is expected to be hits."
    )
    fdr: float | None = Field(
        None, gt=0, lt=1, description="Aim: the learned model asks with at most so large a share of false ones."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.ids) == self.everybody:
            raise ValueError("give either ids or everybody")
        if len(self.aim or {}) > 1:
            raise ValueError("give one of budget, precision and fdr")
        return self

    @property
    def aim(self) -> dict[str, float] | None:
        """The one aim by its name; None: scores alone."""
        given = {name: getattr(self, name) for name in ("budget", "precision", "fdr")}
        return {name: value for name, value in given.items() if value is not None} or None


class ExpectedOut(Wire):
    """What may be expected of those asked about; null where nothing is known."""

    precision: float | None = Field(description="Mean calibrated probability of being confirmed when looked at.")
    low: float | None
    high: float | None
    seen: int = Field(description="Labelled entities at or above the threshold, scored out of fold.")
    confirmed: int
    false_share: float | None = Field(description="Lowest limit on false discoveries that asks about as many.")


class ThresholdOut(Wire):
    """Where the learned model's threshold lies."""

    by: str = Field(description="budget, precision or fdr.")
    aim: float
    score: float | None = Field(description="Score of the last one asked about; null when nobody is.")
    asked: int
    population: int
    expected: ExpectedOut
    made: TextOut


class JobOut(Wire):
    """A job as it stands."""

    id: str
    entity: str
    explain: bool
    by: str
    state: State
    total: int
    scored: int
    failed: int = Field(description="Entities that could not be scored; the others are not held up by them.")
    parts: int = Field(description="Parts of the result that can be fetched.")
    created_at: datetime
    updated_at: datetime
    fault: str = Field(description="Why the job failed as a whole.")
    aim: dict[str, float] | None = Field(description="What the threshold is to keep to, where that was asked for.")
    threshold: ThresholdOut | None = Field(description="Null without an aim, without a learned model, or before.")
    stated: TextOut | None = Field(
        description="How the threshold was made and what may be expected, or why nobody is asked about."
    )

    @classmethod
    def of(cls, job: Job) -> Self:
        """From the store's job."""
        return cls(**{name: getattr(job, name) for name in cls.model_fields})


class JobsOut(Wire):
    """A page of jobs, the newest first."""

    items: list[JobOut]
    cursor: str | None = Field(description="Give it back for the next page; null on the last one.")


class EntityAskedOut(EntityScoreOut):
    """What the models say about one entity of a job."""

    asks: list[str] | None = Field(
        None, description="Models that would ask about it under the job's aim; null without an aim."
    )


class NotScored(Wire):
    """An entity that could not be scored, and why."""

    entity_id: str
    fault: str


class JobRows(Wire):
    """One part of a job's result."""

    items: list[EntityAskedOut | NotScored]
    cursor: int | None = Field(description="Number of the next part; null when there is none yet.")


class ForeignIn(Wire):
    """One warning of another platform."""

    id: Short = Field(description="Its number there.")
    title: Short
    scene: Short
    scheme: Short
    entity_kind: Short
    entity_id: Short
    entity_name: str = Field("", max_length=200)
    score: float | None = Field(None, allow_inf_nan=False)
    severity: Severity = Severity.WARN
    description: str = Field("", max_length=4000)
    told: dict[str, Any] = Field({}, description="The record as it came; kept word for word.")

    def theirs(self, system: str) -> Theirs:
        """As the case work takes it in."""
        return Theirs(system, **{name: getattr(self, name) for name in type(self).model_fields})


class RescreenIn(Wire):
    """Warnings of one other platform."""

    system: Short
    warnings: list[ForeignIn] = Field(min_length=1, max_length=MOST_FOREIGN)


class ScreenedOut(Wire):
    """What became of one: both scores, and the case that it opened or joined."""

    id: int
    system: str
    foreign_id: str
    known: bool = Field(description="It had come before: nothing was done.")
    their_score: float | None
    our_model: str | None
    our_score: float | None
    our_percentile: float | None
    verdict: str = Field(description="agreed, quiet (ours do not warn) or unknown (ours cannot judge).")
    case_id: int
    case_state: str | None
    case_outcome: str | None
    updated_at: datetime

    @classmethod
    def of(cls, record: Foreign, case: Case | None = None, known: bool = True) -> Self:
        """From the record, and the case when it was asked for."""
        same = ("id", "system", "foreign_id", "their_score", "our_model", "our_score", "our_percentile", "verdict")
        return cls(
            **{name: getattr(record, name) for name in (*same, "case_id")},
            known=known,
            case_state=None if case is None else case.state,
            case_outcome=None if case is None else case.outcome,
            updated_at=record.received_at if case is None else case.updated_at,
        )


class ScreenedList(Wire):
    """A page of answers to one platform."""

    items: list[ScreenedOut]
    cursor: str | None = Field(description="Give it back for the next page; null on the last one.")
