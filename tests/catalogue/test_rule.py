"""Rules as detectors: who fires, who is excused, who can't be judged, and a score that adds up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from catalogue.backtest import backtest
from catalogue.load import load
from catalogue.model import WarningModel
from catalogue.rule import admitted, evaluate
from gnomon.terms import Severity
from tests.catalogue.conftest import profiles

Write = Callable[..., Path]
NORM = {"x": 2.0}
FLAGGED = {"claims": 100, "x": 80, "share": 0.2, "top": 0.1}


@pytest.fixture
def model(write: Write) -> WarningModel:
    return load(write().parent, any_names=True)["own-model"]


def test_it_fires_where_needs_and_when_hold_and_no_exclusion_does(model: WarningModel) -> None:
    rows = {
        "F": FLAGGED,
        "warn": FLAGGED | {"x": 12},
        "small": FLAGGED | {"claims": 3},
        "excused": FLAGGED | {"top": 0.9},
        "ordinary": FLAGGED | {"x": 2},
    }
    result = evaluate(model, profiles(rows, NORM))
    assert [result.severity(number) for number in range(5)] == [Severity.ALERT, Severity.WARN, None, None, None]
    assert result.fires.tolist() == [True, True, False, False, False]
    assert result.alert.tolist() == [True, False, False, False, False]
    assert {entity: [one.en for one in why] for entity, why in result.excluded.items()} == {"excused": ["one patient"]}
    assert not result.unknown.any()


def test_unknown_is_reported_apart_and_never_fires(model: WarningModel) -> None:
    rows = {
        "value": FLAGGED | {"x": None},
        "needs": FLAGGED | {"claims": None},
        "settled": FLAGGED | {"x": None, "share": 0.0},
        "exclusion": FLAGGED | {"top": None},
    }
    result = evaluate(model, profiles(rows, NORM))
    assert result.unknown.tolist() == [True, True, False, False]
    # An exclusion that can't be told does not excuse.
    assert result.fires.tolist() == [False, False, False, True]


def test_without_a_norm_nothing_relative_can_be_computed(model: WarningModel) -> None:
    result = evaluate(model, profiles({"F": FLAGGED}))
    assert result.unknown.tolist() == [True]
    assert result.score.tolist() == [0.0]


def test_a_column_that_nobody_has_is_told_as_lacking(model: WarningModel) -> None:
    result = evaluate(model, profiles({"F": {"claims": 100, "x": 80, "top": 0.1}}, NORM))
    assert result.unknown.tolist() == [True]
    assert result.lacking == ("share",)


def test_the_score_is_the_sum_of_the_contributions_exactly(model: WarningModel) -> None:
    rng = np.random.default_rng(3)
    rows = {
        str(number): {"claims": 50, "x": float(rng.exponential(30)), "share": float(rng.random()), "top": 0.0}
        for number in range(200)
    }
    result = evaluate(model, profiles(rows, NORM))
    assert (result.score == result.contributions.to_numpy().sum(axis=1)).all()
    assert ((result.score > 0) == result.fires).all()
    assert list(result.contributions.columns) == ["x", "share"]


def test_an_alert_adds_through_its_own_comparisons(model: WarningModel) -> None:
    result = evaluate(model, profiles({"F": FLAGGED, "warn": FLAGGED | {"x": 20}}, NORM))
    # x is 40 times the norm: 1 + log2(40 / 5) for `when`, 1 + log2(40 / 20) for `alert`; share 1 + log2(2).
    assert result.contributions.loc["F"].to_dict() == pytest.approx({"x": 4.0 + 2.0, "share": 2.0})
    assert result.contributions.loc["warn"].to_dict() == pytest.approx({"x": 2.0, "share": 2.0})


def test_size_alone_adds_nothing(model: WarningModel) -> None:
    result = evaluate(model, profiles({"F": FLAGGED, "huge": FLAGGED | {"claims": 1e7}}, NORM))
    assert result.score[0] == result.score[1]


def test_who_has_too_little_to_look_at_is_not_admitted_to_a_learned_model(model: WarningModel) -> None:
    rows = {
        "F": FLAGGED,
        "small": FLAGGED | {"claims": 3},
        "none": FLAGGED | {"claims": None},
        "one": FLAGGED | {"top": 1},
    }
    may, reasons = admitted(model, profiles(rows, NORM))
    assert may.tolist() == [True, False, False, False]
    assert list(reasons) == ["one"]


def test_a_backtest_counts_beside_what_is_known_by_now(model: WarningModel) -> None:
    rows = {
        "F": FLAGGED,
        "G": FLAGGED | {"x": 12},
        "E": FLAGGED | {"top": 0.9},
        "N": FLAGGED | {"x": None},
        "M": FLAGGED | {"x": 2},
    }
    later, earlier = (profiles(rows, NORM, as_of=datetime(2026, month, 28, tzinfo=UTC)) for month in (6, 5))
    told = backtest(model, [later, earlier], {"F": "confirmed", "G": "false_alarm", "M": "confirmed", "E": "useful"})
    assert [row.as_of.month for row in told] == [5, 6]
    row = told[0]
    assert (row.entities, row.fired, row.alerts, row.excluded, row.unknown) == (5, 2, 1, 1, 1)
    assert (row.confirmed, row.cleared, row.missed) == (1, 1, 1)
