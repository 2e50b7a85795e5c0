"""Every published model is answered or told why not, and every risk point has its title, control and models."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from catalogue.load import load
from catalogue.published import answer, told
from catalogue.risks import stages
from tests.realdata import DATA

CATALOGUE = DATA.parent / "catalog.csv"
MODELS = load()
POINTS = [point for stage in stages() for point in stage.points]


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the published catalogue is not here")
def test_every_published_model_is_answered_or_told_why_not() -> None:
    with CATALOGUE.open(encoding="utf-8-sig", newline="") as file:
        published = [row["id"] for row in csv.DictReader(file)]
    assert [one for one in published if answer(one, MODELS) is None] == []
    assert set(told()) <= set(published) - set(MODELS)
    how = Counter(found.how for one in published if (found := answer(one, MODELS)))
    assert how["same"] >= 135
    assert how["none"] <= 33


def test_what_answers_a_published_model_is_a_model_and_what_is_left_out_is_said() -> None:
    for name, one in told().items():
        assert set(one.models) <= set(MODELS), name
        assert bool(one.models) is (one.how != "none"), name
        assert bool(one.lacks.zh and one.lacks.en) is (one.how != "under"), name


def test_nine_stages_have_fifty_seven_points_with_their_models() -> None:
    assert [stage.id for stage in stages()] == [str(number) for number in range(1, 10)]
    assert len({point.id for point in POINTS}) == len(POINTS) == 57
    for stage in stages():
        assert [point.id for point in stage.points] == [f"{stage.id}.{n}" for n in range(1, len(stage.points) + 1)]
    for point in POINTS:
        assert set(point.models) <= set(MODELS), point.id
        assert all((point.title.zh, point.title.en, point.control.zh, point.control.en)), point.id
    assert sum(bool(point.models) for point in POINTS) >= 49
