"""The value types that travel between floors."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gnomon.terms import Evidence, Norm, Reason, Severity, Text, Warned

REASON = Reason(
    measure="rx_times_norm_365d",
    title=Text("每名患者处方量", "volume per patient"),
    value=35.2,
    unit="DDD",
    norm=Norm(Text("二级医院", "level-2 hospitals"), 812, 1.5, 0.4, 0.6, 2.9),
    deviation=84.2,
    contribution=1.25,
    sentence=Text("是中位数的 23.4 倍", "23.4 times the median"),
    evidence=(Evidence("prescription", "rx_id", ("R1", "R2"), 61),),
)
WARNED = Warned(
    model="med-rx-over-norm",
    model_version="rules@1",
    title=Text("处方超常规用量", "Prescription volume far above normal use"),
    scene="medical-insurance",
    scheme="over-prescribing",
    severity=Severity.ALERT,
    entity_kind="institution",
    entity_id="H",
    entity_name="甲医院",
    as_of=datetime(2026, 3, 31, tzinfo=UTC),
    lake_version=7,
    score=1.5,
    base=0.25,
    percentile=0.999,
    threshold=1.0,
    reasons=(REASON,),
)


def test_a_warning_reads_back_from_json_as_it_was_written() -> None:
    assert Warned.of(json.loads(json.dumps(WARNED.as_dict()))) == WARNED


def test_a_warning_whose_reasons_do_not_add_up_fails_its_check() -> None:
    WARNED.check()
    with pytest.raises(ValueError, match="reasons add up to"):
        replace(WARNED, score=1.51).check()
    with pytest.raises(ValueError, match="nan"):
        replace(WARNED, score=float("nan")).check()


def test_the_fingerprint_is_of_model_entity_and_day_alone() -> None:
    later_the_same_day = replace(WARNED, as_of=datetime(2026, 3, 31, 18, tzinfo=UTC), score=2.0)
    assert later_the_same_day.fingerprint == WARNED.fingerprint
    assert replace(WARNED, entity_id="I").fingerprint != WARNED.fingerprint
    assert replace(WARNED, as_of=datetime(2026, 4, 1, tzinfo=UTC)).fingerprint != WARNED.fingerprint
