"""Every model of the published catalogue that is a number has its measure."""

from __future__ import annotations

import csv

import pytest

from features.measures import entities
from features.served import conditions, served
from tests.realdata import DATA

CATALOGUE = DATA.parent / "catalog.csv"


def test_every_measure_that_serves_a_model_exists() -> None:
    known = entities()
    for model, names in served().items():
        assert names, model
        for name in names:
            kind, _, measure = name.partition(".")
            assert measure == "*" or measure in known[kind].measures, (model, name)
            assert known[kind].measures, (model, kind)


def test_no_model_is_both_a_number_and_a_condition() -> None:
    assert not set(served()) & set(conditions())


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the published catalogue is not here")
def test_every_profile_deviation_and_every_rule_of_the_catalogue_is_told() -> None:
    with CATALOGUE.open(encoding="utf-8-sig", newline="") as file:
        kinds = {row["id"]: row["kind"] for row in csv.DictReader(file)}
    deviations = {one for one, kind in kinds.items() if kind == "profile-deviation"}
    rules = {one for one, kind in kinds.items() if kind == "rule"}
    assert len(deviations) == 55
    assert deviations <= set(served())
    assert rules <= set(served()) | set(conditions())
    assert set(served()) | set(conditions()) <= deviations | rules
