"""From findings to warnings: names, reasons, the rows behind them, and the check that everything adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from features.engine import Engine
from features.evidence import evidence
from features.profiles import Profiles
from gnomon.terms import Warned
from serving.budget import Finding
from serving.change import change
from serving.reasons import Rows, reasons, told_lines

ROWS = 20
"""Ids of rows kept with a reason; how many there are in all is told beside them."""


def rows_behind(engine: Engine, profiles: Profiles, findings: Iterable[Finding]) -> Rows:
    """The rows behind every column that the findings will tell, one query a column."""
    asked: dict[str, dict[str, None]] = defaultdict(dict)
    for finding in findings:
        told, _ = told_lines(finding.contributions)
        for line in told:
            asked[line.column][finding.entity_id] = None
    columns = {column: list(ids) for column, ids in asked.items()}
    return evidence(engine, profiles.entity, profiles.as_of, columns, limit=ROWS)


def word(profiles: Profiles, finding: Finding, rows: Rows | None = None) -> Warned:
    """The finding as a warning that can be read years later. Not yet checked."""
    model = finding.model
    return Warned(
        model=model.id,
        model_version=finding.model_version,
        title=model.title,
        scene=model.scene,
        scheme=model.scheme,
        severity=finding.severity,
        entity_kind=profiles.entity,
        entity_id=finding.entity_id,
        entity_name=name_of(profiles, finding.entity_id),
        as_of=profiles.as_of,
        lake_version=profiles.lake_version,
        score=finding.score,
        base=finding.base,
        percentile=finding.percentile,
        threshold=finding.threshold,
        reasons=reasons(profiles, finding.entity_id, finding.contributions, rows),
        advice=model.advice,
        counterfactual=change(profiles, finding),
    )


def checked(warnings: Iterable[Warned]) -> tuple[list[Warned], list[str]]:
    """Those whose contributions add up, and what is wrong with the others: they are reported and never issued."""
    good: list[Warned] = []
    refused: list[str] = []
    for warned in warnings:
        try:
            warned.check()
        except ValueError as fault:
            refused.append(str(fault))
        else:
            good.append(warned)
    return good, refused


def name_of(profiles: Profiles, entity_id: str) -> str:
    """The entity's name, or its id when nobody told a name."""
    if "name" not in profiles.attributes:
        return entity_id
    name = profiles.attributes.at[entity_id, "name"]
    return name if isinstance(name, str) and name else entity_id


def worded(engine: Engine, profiles: Profiles, findings: Sequence[Finding]) -> tuple[list[Warned], list[str]]:
    """The warnings to issue, and what is wrong with those that must not be issued."""
    rows = rows_behind(engine, profiles, findings) if findings else {}
    return checked(word(profiles, finding, rows) for finding in findings)
