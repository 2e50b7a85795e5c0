"""The review budget: who is looked at when there is time for so many only."""

from __future__ import annotations

from pathlib import Path

from catalogue.model import WarningModel
from gnomon.terms import Severity, Text
from serving.budget import Finding, learned_count, percentiles, pick

NOTHING = Text("", "")


def model(name: str, detector: str = "rule") -> WarningModel:
    return WarningModel(
        id=name,
        version=1,
        scene="s",
        stage="t",
        entity="institution",
        scheme=name,
        detector=detector,
        title=NOTHING,
        meaning=NOTHING,
        advice=NOTHING,
        basis=(),
        when="",
        alert="",
        unless=(),
        examples=(),
        path=Path("x"),
    )


def finding(
    entity: str, percentile: float, name: str = "a", severity: Severity = Severity.WARN, detector: str = "rule"
) -> Finding:
    return Finding(model(name, detector), "v", entity, severity, percentile, 0.0, percentile, 0.0, {"x": percentile})


def test_alerts_of_rules_come_before_rarer_warnings() -> None:
    found = [finding("H1", 0.99), finding("H2", 0.90, severity=Severity.ALERT)]
    assert [one.entity_id for one in pick(found, 1)] == ["H2"]


def test_rule_warnings_and_learned_scores_are_interleaved_by_percentile() -> None:
    found = [finding("H1", 0.97), finding("H2", 0.99, "b", detector="learned"), finding("H3", 0.98)]
    assert [one.entity_id for one in pick(found, 3)] == ["H2", "H3", "H1"]


def test_the_budget_counts_entities_and_an_entity_brings_all_its_findings() -> None:
    found = [finding("H1", 0.99), finding("H1", 0.5, "b"), finding("H2", 0.98), finding("H3", 0.97)]
    kept = pick(found, 2)
    assert [(one.entity_id, one.model.id) for one in kept] == [("H1", "a"), ("H1", "b"), ("H2", "a")]


def test_the_order_of_findings_does_not_change_what_is_picked() -> None:
    found = [finding(f"H{n}", 0.9) for n in range(9)]
    assert pick(found, 4) == pick(found[::-1], 4)


def test_a_learned_score_alone_questions_at_most_one_in_twenty() -> None:
    assert learned_count(100, 50) == 5
    assert learned_count(10_000, 20) == 20


def test_percentiles_share_ties() -> None:
    assert percentiles([0.0, 0.0, 3.0, 1.0]) == [0.5, 0.5, 1.0, 0.75]
