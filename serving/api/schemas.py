"""What goes over the wire, version 1. Texts come in both languages: a client shows the one its reader chose."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cases.tables import IssuedWarning
from gnomon.terms import Counterfactual, Evidence, Norm, Reason, Severity, Text, Warned
from serving.scoring import EntityScore

MOST_ENTITIES = 1000
MOST_RECORDS = 50_000


class Wire(BaseModel):
    """Base of everything on the wire: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class ProblemDetails(Wire):
    """The one form of an error (RFC 9457), in the reader's language."""

    type: str = Field(description="`urn:gnomon:fault:` and the key of the fault: the same in every language.")
    title: str = Field(description="What the status means.")
    status: int
    detail: str = Field(description="What is wrong and what would make it right.")
    instance: str = Field(description="Path of the request.")
    place: str = Field(description="Where: a header, a field, an id.")


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
    asked_as: str | None = Field(
        None, description="The id that was asked about, where its record is read as one with this entity; else null."
    )
    entity_name: str
    rules: list[RuleScoreOut]
    excused: dict[str, list[TextOut]] = Field(description="Rules that would have fired, and why they do not accuse.")
    unknown: list[str] = Field(description="Rules that could not be computed: not the same as a clean result.")
    learned: LearnedScoreOut | None

    @classmethod
    def of(cls, told: EntityScore, explained: bool, asked: str | None = None) -> Self:
        """From the scorer's answer; `asked` is the id that it was asked about."""
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
            asked_as=None if asked == told.entity_id else asked,
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


class ChangeOut(Wire):
    """One measure, in one of its windows, taken from its value to one that peers have."""

    measure: str
    title: TextOut
    value: float
    to: float
    unit: str


class CounterfactualOut(Wire):
    """Changes under which the warning would not have been issued; verified by scoring again. It names no causes."""

    changes: list[ChangeOut]
    sentence: TextOut

    @classmethod
    def of(cls, told: Counterfactual) -> Self:
        """From the kernel's counterfactual."""
        changes = [
            ChangeOut(measure=x.measure, title=TextOut.of(x.title), value=x.value, to=x.to, unit=x.unit)
            for x in told.changes
        ]
        return cls(changes=changes, sentence=TextOut.of(told.sentence))


class WarningOut(WarningLine):
    """A warning with its reason pack: `score = base + sum of the contributions`."""

    case_id: int | None
    lake_version: int
    base: float
    threshold: float
    reasons: list[ReasonOut]
    counterfactual: CounterfactualOut | None = Field(
        description="What would have to be different; null where no few plausible changes are enough."
    )
    inclusion: float | None = Field(
        description="Probability of having been drawn, where chance alone asks for the look; else null."
    )
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
            counterfactual=None if warned.counterfactual is None else CounterfactualOut.of(warned.counterfactual),
            inclusion=warned.inclusion,
            advice=TextOut.of(warned.advice),
        )


class WarningsOut(Wire):
    """A page of warnings."""

    items: list[WarningLine]
    cursor: str | None = Field(description="Give it back for the next page; null on the last one.")
