"""Labels come from a contract file or any two-column file, and never from the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from gnomon.errors import Fault, Misuse
from training import design
from training.dataset import examples, labels_for, read_labels, stack
from training.detectors.boosting import Boosting


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "Provider,PotentialFraud\nE001,Yes\nE002,No\n",
        "Tender,collusive\nE001,1\nE002,0\n",
        "机构,结论\nE001,属实\nE002,误报\n",
        "row,id,outcome\n8,E001,confirmed\n9,E002,false_alarm\n",
        "entity_kind,entity_id,outcome\ninstitution,E001,confirmed\ninstitution,E002,false_alarm\nsupplier,S1,confirmed\n",
    ],
)
def test_any_file_with_ids_and_outcomes_is_understood(text: str, profiles: Profiles, tmp_path: Path) -> None:
    rows = read_labels(written(tmp_path / "labels.csv", text), "institution", profiles.ids)
    labels = labels_for(profiles, rows)
    assert labels["E001"] == 1.0
    assert labels["E002"] == 0.0
    assert labels.notna().sum() == 2


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no UTF-8 CSV"),
        ("a,b\n", "holds no rows"),
        ("a,b\nE001,perhaps\n", "no pair of columns"),
        ("entity_id,outcome\nE001,guilty\n", "the outcome guilty is unknown"),
        ("entity_id,outcome,labelled_at\nE001,confirmed,soon\n", "a date cannot be read"),
    ],
)
def test_a_file_that_says_nothing_is_refused(text: str, word: str, profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=word):
        read_labels(written(tmp_path / "labels.csv", text), "institution", profiles.ids)


def test_a_missing_file_is_misuse(profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no such file"):
        read_labels(tmp_path / "none.csv", "institution", profiles.ids)


def test_labels_for_entities_that_do_not_exist_are_named_and_counted(profiles: Profiles, tmp_path: Path) -> None:
    path = written(tmp_path / "labels.csv", "id,y\nE001,1\nX1,0\nX2,0\nE002,0\n")
    with pytest.raises(Fault, match=r"2 labelled entities do not exist among the profiles of institution \(X1, X2\)"):
        labels_for(profiles, read_labels(path, "institution", profiles.ids))


def test_useful_and_data_error_teach_nothing_and_the_latest_outcome_counts(profiles: Profiles, tmp_path: Path) -> None:
    text = (
        "entity_id,scheme,outcome,labelled_at\n"
        "E001,a,useful,2025-01-01\nE002,a,data_error,2025-01-01\n"
        "E003,a,confirmed,2025-01-01\nE003,a,false_alarm,2025-03-01\n"
        "E004,a,false_alarm,2025-01-01\nE004,b,confirmed,2025-01-01\n"
    )
    labels = labels_for(profiles, read_labels(written(tmp_path / "l.csv", text), "institution", profiles.ids))
    assert labels[["E001", "E002"]].isna().all()
    assert labels["E003"] == 0.0
    assert labels["E004"] == 1.0


def test_nothing_labelled_after_the_date_is_used(profiles: Profiles, tmp_path: Path) -> None:
    text = "entity_id,outcome,labelled_at\nE001,confirmed,2025-01-01\nE002,confirmed,2025-09-01\n"
    rows = read_labels(written(tmp_path / "l.csv", text), "institution", profiles.ids)
    labels = labels_for(profiles, rows, until=datetime(2025, 6, 1, tzinfo=UTC))
    assert list(labels.dropna().index) == ["E001"]


def test_an_entity_is_learned_from_as_it_was_when_it_was_judged(profiles: Profiles, tmp_path: Path) -> None:
    asked: list[datetime] = []

    def build(moment: datetime) -> Profiles:
        asked.append(moment)
        return replace(profiles, as_of=moment, values=profiles.values * 0.0 + 7.0)

    text = "entity_id,outcome,as_of,labelled_at\nE001,confirmed,2025-01-05,2025-02-01\nE002,false_alarm,,2026-01-01\n"
    rows = read_labels(written(tmp_path / "l.csv", text), "institution", profiles.ids)
    joined, labels = examples(profiles, rows, build)
    assert asked == [datetime(2025, 1, 5, tzinfo=UTC)]
    assert (joined.values.loc["E001"].dropna() == 7.0).all()
    pd.testing.assert_series_equal(joined.values.loc["E002"], profiles.values.loc["E002"])
    assert labels["E001"] == 1.0
    assert sorted(joined.ids) == sorted(profiles.ids)


def test_stacked_profiles_keep_the_trials_behind_their_rates(profiles: Profiles) -> None:
    held = replace(profiles, trials=profiles.values.iloc[:, :1])
    ids = profiles.ids
    joined = stack([held.select(ids[:5]), held.select(ids[5:9])])
    assert joined.select(ids[5:9]).trials is not None
    pd.testing.assert_frame_equal(joined.select(ids[5:9]).trials, held.select(ids[5:9]).trials)  # type: ignore[arg-type]


def test_stacked_profiles_keep_each_value_beside_its_own_norm(profiles: Profiles) -> None:
    first, second = profiles.select(profiles.ids[:5]), profiles.select(profiles.ids[5:9])
    joined = stack([first, second])
    for entity in joined.ids:
        assert joined.norm(entity, "fund_paid") == profiles.norm(entity, "fund_paid")


@pytest.mark.parametrize(("measure", "unit"), [("buyer_id", ""), ("opened_at", ""), ("award_year", ""), ("x", "date")])
def test_an_id_or_a_calendar_date_is_no_feature(profiles: Profiles, measure: str, unit: str) -> None:
    column = replace(profiles.columns[0], measure=measure, unit=unit)
    with pytest.raises(ValueError, match="an identifier or a calendar date"):
        design.full(replace(profiles, columns=(column, *profiles.columns[1:])))


def test_constant_and_empty_columns_are_left_out(profiles: Profiles) -> None:
    values = profiles.values.copy()
    values["beds"], values["night_share"] = 5.0, np.nan
    told = design.full(replace(profiles, values=values))
    assert set(told.columns) == {"fund_paid", "fund_per_claim", "bid_variation"}


def test_labels_of_one_class_or_too_few_are_refused_with_counts(profiles: Profiles, labels: pd.Series) -> None:
    with pytest.raises(Fault, match="0 false alarms, at least 10 of each"):
        Boosting().fit(profiles, labels.where(labels == 1.0))
    few = labels.copy()
    few[few[few == 1.0].index[9:]] = np.nan
    with pytest.raises(Fault, match="9 confirmed and"):
        Boosting().fit(profiles, few)
