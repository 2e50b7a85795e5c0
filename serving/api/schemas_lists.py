"""What goes over the wire in the three lists, forecasts, funnels and labels, version 1."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from serving.api.schemas import TextOut, Wire


class ProblemOut(Wire):
    """问题清单: one problem."""

    id: int
    parent_id: int | None
    title: TextOut
    scene: str
    scheme: str
    severity: str
    entity_kind: str
    entity_id: str
    entity_name: str
    warnings: int
    state: str
    organisation: str | None
    owner: str | None
    liaison: str | None
    opened_at: datetime
    due: datetime | None
    level: int
    transfers: int
    outcome: str | None
    overdue: bool
    amount_found: str | None


class ProblemsOut(Wire):
    """A page of problems."""

    items: list[ProblemOut]
    cursor: str | None


class DutyOut(Wire):
    """履职清单: what one person of one body did about what came to them."""

    organisation: str | None
    owner: str | None
    cases: int
    signed: int
    closed: int
    overdue: int
    urged: int
    transfers: int
    refusals: int
    working_days: int
    mean_working_days: float | None


class DutiesOut(Wire):
    """A page of duties."""

    items: list[DutyOut]
    cursor: str | None


class DevelopmentOut(Wire):
    """发展清单: what came of one problem."""

    id: int
    title: TextOut
    scene: str
    organisation: str | None
    outcome: str | None
    amount_found: str
    amount_recovered: str
    people_handled: int
    items: int
    items_passed: int
    closed_at: datetime | None
    result: str | None


class DevelopmentsOut(Wire):
    """A page of developments."""

    items: list[DevelopmentOut]
    cursor: str | None


class ForecastOut(Wire):
    """Whether one running case will be done in time."""

    case_id: int
    due: datetime
    working_days_left: int = Field(description="Negative when the date has passed.")
    breach: float | None = Field(description="Chance that it misses its date; null when too few closed to tell.")
    learned_from: int = Field(description="Closed cases, of those one may see, that it is read from.")


class ForecastsOut(Wire):
    """A page of forecasts, the one most likely to miss its date first."""

    items: list[ForecastOut]
    cursor: str | None


class FunnelOut(Wire):
    """One warning model from warning to money; shares with their 95 % intervals (Wilson 1927)."""

    model: str
    scene: str
    warnings: int
    cases: int
    signed: int
    closed: int
    confirmed: int
    useful: int
    false_alarm: int
    data_error: int
    found: str = Field(description="Yuan found.")
    recovered: str = Field(description="Yuan recovered.")
    precision: float | None = Field(description="Confirmed among judged; null when none was judged.")
    precision_low: float
    precision_high: float
    worth: float | None = Field(description="Confirmed or worth the look, among judged.")
    worth_low: float
    worth_high: float
    data_errors: float | None
    data_errors_low: float
    data_errors_high: float


class LabelOut(Wire):
    """Outcome of a closed case, as training takes it."""

    label_id: str
    entity_kind: str
    entity_id: str
    scheme: str
    outcome: str
    as_of: datetime
    labelled_at: datetime
    inclusion: float | None = Field(
        None, description="Probability of having been drawn, where chance alone asked for the look; else null."
    )
    origin: str
    case_id: str


class LabelsOut(Wire):
    """A page of labels, in the order of their moments."""

    items: list[LabelOut]
    cursor: str | None
