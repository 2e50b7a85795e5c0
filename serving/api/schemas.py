"""What goes over the wire, version 1. Texts come in both languages: a client shows the one its reader chose."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cases.tables import Case, IssuedWarning
from cases.workflow import Action, Move, Need, Side
from gnomon.terms import Evidence, Norm, Outcome, Reason, Severity, Text, Warned
from serving.scoring import EntityScore

MOST_ENTITIES = 1000
MOST_RECORDS = 50_000


class Wire(BaseModel):
    """Base of everything on the wire: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class FaultOut(Wire):
    """The one form of an error, in the reader's language."""

    place: str = Field(description="Where: a header, a field, an id.")
    fault: str = Field(description="What is wrong and what would make it right.")


class TextOut(Wire):
    """One text in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, text: Text) -> Self:
        """From the kernel's text."""
        return cls(zh=text.zh, en=text.en)


class NormOut(Wire):
    """What the peers do."""

    group: TextOut
    n: int
    median: float
    scale: float
    low: float = Field(description="5th percentile of the peers.")
    high: float = Field(description="95th percentile of the peers.")

    @classmethod
    def of(cls, norm: Norm) -> Self:
        """From the kernel's norm."""
        spread = {name: getattr(norm, name) for name in ("n", "median", "scale", "low", "high")}
        return cls(group=TextOut.of(norm.group), **spread)


class EvidenceOut(Wire):
    """The rows behind a reason."""

    table: str
    key: str
    ids: list[str]
    total: int

    @classmethod
    def of(cls, rows: Evidence) -> Self:
        """From the kernel's evidence."""
        return cls(table=rows.table, key=rows.key, ids=list(rows.ids), total=rows.total)


class ReasonOut(Wire):
    """One line of an explanation."""

    measure: str
    title: TextOut
    value: float | None
    unit: str
    norm: NormOut | None
    deviation: float | None
    contribution: float
    sentence: TextOut
    evidence: list[EvidenceOut]

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """From the kernel's reason."""
        return cls(
            measure=reason.measure,
            title=TextOut.of(reason.title),
            value=reason.value,
            unit=reason.unit,
            norm=None if reason.norm is None else NormOut.of(reason.norm),
            deviation=reason.deviation,
            contribution=reason.contribution,
            sentence=TextOut.of(reason.sentence),
            evidence=[EvidenceOut.of(rows) for rows in reason.evidence],
        )


class ScoreIn(Wire):
    """Score entities by id at their stored profiles, or raw records against the stored norms; not both."""

    entity: str = Field(
        description="Kind of entity: institution, practitioner, supplier, tender, buyer.", max_length=40
    )
    ids: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=MOST_ENTITIES)
    records: dict[str, list[dict[str, Any]]] = Field(
        default={}, description="Rows by table under contract: one tender with its bids, a batch of claims."
    )
    explain: bool = Field(True, description="With reasons. Scores alone come many times faster.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.ids) == bool(self.records):
            raise ValueError("give either ids or records")
        if sum(len(rows) for rows in self.records.values()) > MOST_RECORDS:
            raise ValueError(f"at most {MOST_RECORDS} records at a time")
        return self


class RuleScoreOut(Wire):
    """One rule that fired; base 0, so the contributions add up to the score."""

    model: str
    title: TextOut
    scheme: str
    severity: Severity
    score: float
    reasons: list[ReasonOut]


class LearnedScoreOut(Wire):
    """What the champion says: `score = base + sum of the contributions`."""

    model: str
    score: float
    base: float | None = Field(description="Null when no explanation was asked for.")
    percentile: float = Field(description="Share of the training population that this score is at or above.")
    unit: str
    reasons: list[ReasonOut]


class EntityScoreOut(Wire):
    """Everything that the models say about one entity."""

    entity_id: str
    entity_name: str
    rules: list[RuleScoreOut]
    excused: dict[str, list[TextOut]] = Field(description="Rules that would have fired, and why they do not accuse.")
    unknown: list[str] = Field(description="Rules that could not be computed: not the same as a clean result.")
    learned: LearnedScoreOut | None

    @classmethod
    def of(cls, told: EntityScore, explained: bool) -> Self:
        """From the scorer's answer."""
        learned = None
        if told.learned is not None:
            one = told.learned
            learned = LearnedScoreOut(
                model=one.model,
                score=one.score,
                base=one.base if explained else None,
                percentile=one.percentile,
                unit=one.unit,
                reasons=[ReasonOut.of(reason) for reason in one.reasons],
            )
        rules = [
            RuleScoreOut(
                model=one.model.id,
                title=TextOut.of(one.model.title),
                scheme=one.model.scheme,
                severity=one.severity,
                score=one.score,
                reasons=[ReasonOut.of(reason) for reason in one.reasons],
            )
            for one in told.rules
        ]
        return cls(
            entity_id=told.entity_id,
            entity_name=told.entity_name,
            rules=rules,
            excused={model: [TextOut.of(text) for text in texts] for model, texts in told.excused.items()},
            unknown=list(told.unknown),
            learned=learned,
        )


class ScoreOut(Wire):
    """Scores, and the state of the data whose norms they were held against."""

    entity: str
    as_of: datetime
    lake_version: int
    champion: str | None
    results: list[EntityScoreOut]


class WarningLine(Wire):
    """One issued warning in a list."""

    id: int
    fingerprint: str
    model: str
    model_version: str
    title: TextOut
    scene: str
    scheme: str
    severity: Severity
    entity_kind: str
    entity_id: str
    entity_name: str
    as_of: datetime
    score: float
    percentile: float
    issued_at: datetime
    run_id: str

    @classmethod
    def of(cls, row: IssuedWarning) -> Self:
        """From the queue's row."""
        same = {name: getattr(row, name) for name in cls.model_fields if name != "title"}
        return cls(title=TextOut.of(row.warned().title), **same)


class WarningOut(WarningLine):
    """A warning with its reason pack: `score = base + sum of the contributions`."""

    case_id: int | None
    lake_version: int
    base: float
    threshold: float
    reasons: list[ReasonOut]
    advice: TextOut

    @classmethod
    def told(cls, row: IssuedWarning, case_id: int | None) -> Self:
        """From the queue's row and the case that holds it."""
        warned: Warned = row.warned()
        line = WarningLine.of(row)
        return cls(
            **dict(line),
            case_id=case_id,
            lake_version=warned.lake_version,
            base=warned.base,
            threshold=warned.threshold,
            reasons=[ReasonOut.of(reason) for reason in warned.reasons],
            advice=TextOut.of(warned.advice),
        )


class WarningsOut(Wire):
    """A page of warnings."""

    items: list[WarningLine]
    cursor: str | None = Field(description="Give it back for the next page; null on the last one.")


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
    before: Any
    after: Any
    hash: str


class CaseDetail(Wire):
    """A case with everything on its page."""

    case: CaseOut
    warnings: list[WarningLine]
    moves: list[MoveOut]
    trail: list[EventOut]


class PartIn(Wire):
    """A sub-case of a split, or an item to be put right."""

    title: str = Field(max_length=400)
    to: str = Field("", max_length=80, description="Account of the person (sub-cases).")
    organisation: str = Field("", max_length=200)
    due: datetime | None = None


Names = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]


class ActionIn(Wire):
    """One action on a case, decided on one version of it."""

    action: Action
    version: int = Field(
        ge=0, lt=2**63, description="Version of the case that was read; 409 when it has changed since."
    )
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
