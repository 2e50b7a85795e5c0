"""Tables that the engine holds between queries change what profiles cost and nothing that they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.build import build
from features.engine import Engine
from features.evidence import evidence
from tests.features.profile_rows import day, hospital, line, table

KINDS = ("institution", "practitioner", "drug_institution", "drug_practitioner")


def rows(dateless: bool = False) -> dict[str, list[dict[str, Any]]]:
    rng = np.random.default_rng(3)
    prescribed = [
        {**line(i, f"H{i % 5}", ("匿名", "", "D1", "D2", "D3")[rng.integers(5)], f"P{rng.integers(40)}",
                f"I{rng.integers(3)}", float(rng.integers(1, 9)),
                day(float(rng.integers(0, 40) if dateless else rng.uniform(0, 700)))),
         "days_supply": float(rng.integers(3, 9)) if dateless else 7.0}
        for i in range(900)
    ]  # fmt: skip
    return {"prescription": prescribed, "organization": [hospital(f"H{i}") for i in range(5)]}


def engine_of(keep: bool, dateless: bool = False) -> Engine:
    engine = Engine.of({name: table(name, some) for name, some in rows(dateless).items()})
    engine.keep_from = 1 if keep else 10**9
    return engine


@pytest.mark.parametrize("kind", KINDS)
def test_kept_tables_give_the_profiles_that_none_give(kind: str) -> None:
    kept, plain = (build(engine_of(keep), kind, day(690), min_peers=2) for keep in (True, False))
    pd.testing.assert_frame_equal(kept.values, plain.values)
    pd.testing.assert_frame_equal(kept.norms, plain.norms)
    assert dict(kept.missing) == dict(plain.missing)
    assert kept.values.notna().any().sum() > 8


def test_lines_of_one_moment_are_taken_in_one_order_whether_their_ids_are_kept_or_not() -> None:
    kept, plain = (build(engine_of(keep, dateless=True), "institution", day(40), min_peers=2) for keep in (True, False))
    pd.testing.assert_frame_equal(kept.values, plain.values, check_exact=True)
    assert (kept.values["days_supply_overlap_share"] > 0.1).all()


def test_codes_read_and_compare_as_the_text_they_stand_for_and_numbers_are_in_its_order() -> None:
    engine = engine_of(keep=True)
    line = engine.table("prescription")
    told = engine.coded("told", "now", lambda: line.select("rx_id", "prescriber_id", "person_id"), ["prescriber_id"],
                        ["person_id"])  # fmt: skip
    both = told.join(line.select("rx_id", who="prescriber_id", person="person_id"), "rx_id")
    found = engine.frame(both.mutate(early=both.prescriber_id < "D2", before=both.who < "D2"))
    assert (found.prescriber_id == found.who).all()
    assert (found.early == found.before).all()
    order = found.drop_duplicates("person").sort_values("person").person_id
    assert list(order) == list(range(1, len(order) + 1))
    engine.forget("told")


def test_a_kept_table_is_of_one_moment() -> None:
    engine = engine_of(keep=True)
    late, early = build(engine, "institution", day(690)), build(engine, "institution", day(300))
    pd.testing.assert_frame_equal(early.values, build(engine_of(keep=False), "institution", day(300)).values)
    assert early.values["rx_lines"].sum() < late.values["rx_lines"].sum()


def test_a_kept_table_is_computed_once_for_all_kinds() -> None:
    engine = engine_of(keep=True)
    for kind in KINDS:
        build(engine, kind, day(690))
    assert set(engine.origins) == {
        "kept_drawn", "kept_lines", "kept_pairs_institution_id", "kept_pairs_prescriber_id",
        "kept_frequent_institution_id", "kept_frequent_prescriber_id",
    }  # fmt: skip


def test_evidence_of_a_kept_view_names_the_rows_of_the_lake() -> None:
    engine = engine_of(keep=True)
    build(engine, "institution", day(690))
    (found,) = evidence(engine, "institution", day(690), {"rx_lines": ["H1"]}, limit=3)["rx_lines", "H1"]
    assert found.table == "prescription"
    assert all(key.startswith("R") for key in found.ids)
