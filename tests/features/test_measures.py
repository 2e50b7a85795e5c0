"""What measures mean, on rows small enough to check by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from features.build import build
from features.engine import Engine
from features.evidence import evidence
from features.measures import entities
from features.profiles import Profiles
from gnomon.errors import Misuse
from gnomon.terms import Direction
from tests.features.profile_rows import award, bids, claim, day, hospital, line, stay, table, tender, threshold


def profiled(kind: str, rows: dict[str, list[dict[str, Any]]], days: float = 400) -> Profiles:
    return build(engine_of(rows), kind, day(days), min_peers=5)


def engine_of(rows: dict[str, list[dict[str, Any]]]) -> Engine:
    return Engine.of({name: table(name, some) for name, some in rows.items()})


def test_there_are_at_least_a_hundred_and_fifty_measures_each_with_texts_in_both_languages() -> None:
    measures = [one for kind in entities().values() for one in kind.measures.values()]
    assert len(measures) >= 150
    assert {"institution", "practitioner", "supplier", "tender", "buyer", "drug_institution"} <= set(entities())
    for one in measures:
        assert one.meaning.endswith("."), one.name
        assert one.title.zh
        assert one.title.en
        assert any("一" <= sign <= "鿿" for sign in one.title.zh), one.name


def test_a_window_counts_only_its_own_days() -> None:
    rows = {"claim": [claim(i, "H1", f"P{i}", 100.0, day(at)) for i, at in enumerate((0, 100, 350, 399))]}
    values = profiled("institution", rows).values.loc["H1"]
    assert (values.claims_count, values.claims_count_365d, values.claims_count_90d) == (4, 3, 2)
    assert (values.fund_paid, values.fund_paid_90d) == (400, 200)


def test_reversed_claims_count_for_nothing() -> None:
    rows = {"claim": [claim(1, "H1", "P1", 100.0, day(0)), claim(2, "H1", "P1", 900.0, day(1), status="reversed")]}
    assert profiled("institution", rows).values.at["H1", "fund_paid"] == 100


def test_a_claim_after_death_is_counted_and_an_unknown_death_is_not() -> None:
    rows = {
        "claim": [claim(i, "H1", f"P{i}", 1.0, day(10)) for i in range(3)],
        "person": [{"person_id": "P0", "death_date": date(2025, 1, 5)}, {"person_id": "P1"}],
    }
    assert profiled("institution", rows).values.at["H1", "after_death_claims"] == 1


def test_stays_return_overlap_and_go_without_care() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "admission": [
            stay(1, "H1", "P1", day(0), 5),
            stay(2, "H1", "P1", day(8), 1),
            stay(3, "H1", "P2", day(0), 10),
            stay(4, "H2", "P2", day(4), 2),
        ],
        "inpatient_day": [
            {"admission_id": "A0001", "day": day(0).date(), "n_vitals": 3, "n_treatments": 0},
            {"admission_id": "A0002", "day": day(8).date(), "n_vitals": 0, "n_treatments": 0},
            {"admission_id": "A0002", "day": day(9).date(), "n_vitals": 0, "on_leave": True},
            {"admission_id": "A0003", "day": day(0).date()},
        ],
    }
    values = profiled("institution", rows).values
    assert values.at["H1", "readmitted_share"] == pytest.approx(1 / 3)
    assert values.at["H2", "overlapping_stays"] == 1
    assert values.at["H1", "short_stay_share"] == pytest.approx(1 / 3)
    assert values.at["H1", "stay_days_mean"] == pytest.approx(16 / 3)
    assert values.at["H1", "no_care_stay_share"] == 0.5
    assert values.at["H1", "no_care_day_share"] == 0.5
    assert np.isnan(values.at["H2", "no_care_stay_share"])


def test_the_same_amounts_for_the_same_patient_again_are_told_whatever_the_day() -> None:
    rows = {
        "claim": [
            claim(1, "H1", "P1", 100.0, day(0), self_amount=20.0),
            claim(2, "H1", "P1", 100.0, day(60), self_amount=20.0, dx_primary="K35"),
            claim(3, "H1", "P1", 100.0, day(90), self_amount=30.0),
            claim(4, "H1", "P2", 100.0, day(0), self_amount=20.0),
            claim(5, "H1", "P2", 100.0, day(9)),
            claim(6, "H2", "P1", 100.0, day(1), self_amount=20.0),
        ]
    }
    engine = engine_of(rows)
    values = build(engine, "institution", day(400), min_peers=5).values
    assert values.at["H1", "billed_again_share"] == 2 / 4
    assert values.at["H2", "billed_again_share"] == 0
    (found,) = evidence(engine, "institution", day(400), {"billed_again_share": ["H1"]})["billed_again_share", "H1"]
    assert set(found.ids) == {"C0001", "C0002"}


def test_the_dearest_day_of_a_stay_is_its_payment_over_its_days() -> None:
    paid = {1: 900.0, 2: 500.0, 3: 4000.0}
    rows = {
        "admission": [stay(1, "H1", "P1", day(0), 9), stay(2, "H1", "P2", day(8), 0), stay(3, "H1", "P3", day(8), 10)],
        "claim": [claim(one, "H1", f"P{one}", fund, day(20), admission_id=f"A{one:04d}") for one, fund in paid.items()],
    }
    assert profiled("institution", rows).values.at["H1", "fund_per_day_max"] == 500


def test_a_discharge_after_the_as_of_is_not_known_yet() -> None:
    rows = {"admission": [stay(1, "H1", "P1", day(0), 5), stay(2, "H1", "P2", day(8), 30)]}
    assert profiled("institution", rows, days=20).values.at["H1", "stay_days_max"] == 5


def prescriptions(volume: dict[str, float], patients: int = 12, item: str = "I1") -> list[dict[str, Any]]:
    """Every institution prescribes the same drug to its own patients, so much each."""
    return [
        line(1000 * h + p, place, f"D{h}", f"P{place}-{p}", item, quantity, day(p))
        for h, (place, quantity) in enumerate(volume.items())
        for p in range(patients)
    ]


def test_prescription_volume_is_held_against_the_norm_of_the_same_drug() -> None:
    places = {f"H{i}": 10.0 for i in range(9)}
    rows = {
        "prescription": prescriptions({**places, "H9": 230.0}),
        "organization": [hospital(f"H{i}") for i in range(10)],
    }
    profiles = profiled("institution", rows)
    assert profiles.values.at["H9", "rx_times_norm"] == pytest.approx(23.0)
    assert profiles.values.at["H0", "rx_times_norm"] == pytest.approx(1.0)
    assert profiles.values.at["H9", "rx_times_norm_drugs"] == 1
    assert profiles.values.at["H9", "rx_times_norm_patients"] == 12


def test_a_specialist_is_not_accused_of_its_drug_mix() -> None:
    places = {f"H{i}": 10.0 for i in range(9)}
    own = prescriptions({"H9": 500.0}, item="I-ONCOLOGY")
    for row in own:
        row["rx_id"] = "S" + row["rx_id"]
    profiles = profiled("institution", {"prescription": prescriptions(places) + own})
    assert np.isnan(profiles.values.at["H9", "rx_times_norm"])


def test_few_patients_and_a_single_slip_of_a_key_accuse_nobody() -> None:
    places = {f"H{i}": 10.0 for i in range(9)}
    few = prescriptions({"V1": 400.0}, patients=4)
    for row in few:
        row["rx_id"] = "V" + row["rx_id"]
    rows = prescriptions(places) + few
    rows[0]["quantity"] = 100_000.0
    profiles = profiled("institution", {"prescription": rows})
    assert np.isnan(profiles.values.at["V1", "rx_times_norm"])
    assert profiles.values.at["H0", "rx_times_norm"] == pytest.approx(1.0)


def test_blank_prescribers_are_counted_and_never_pooled_into_one_doctor() -> None:
    rows = prescriptions({"H1": 1.0, "H2": 1.0})
    for number, name in enumerate(("", "匿名", "0000", "unknown")):
        rows[number]["prescriber_id"] = name
    assert profiled("institution", {"prescription": rows}).values.at["H1", "blank_prescriber_share"] == pytest.approx(
        4 / 12
    )
    assert profiled("practitioner", {"prescription": rows}).ids == ["D0", "D1"]


def test_the_screens_are_the_published_formulas() -> None:
    prices = [100.0, 104.0, 110.0, 111.0, 125.0]
    rows = {"tender": [tender(1, day(0))], "bid": bids(1, {f"F{i}": p for i, p in enumerate(prices)})}
    x = np.array(prices)
    n, z = 5, (np.array(prices) - np.mean(prices)) / np.std(prices, ddof=1)
    values = profiled("tender", rows).values.loc["T001"]
    assert values.bid_cv == pytest.approx(x.std(ddof=1) / x.mean())
    assert values.bid_spd == pytest.approx(0.25)
    assert values.bid_diffp == pytest.approx(0.04)
    assert values.bid_rd == pytest.approx(4 / x[1:].std(ddof=1))
    assert values.bid_rdnor == pytest.approx(4 / (25 / 4))
    assert values.bid_rdalt == pytest.approx(4 / (21 / 3))
    assert values.bid_skew == pytest.approx(n / ((n - 1) * (n - 2)) * (z**3).sum())
    g2 = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * (z**4).sum() - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    assert values.bid_kurt == pytest.approx(g2)


def test_a_single_bid_has_no_spread_that_could_be_suspiciously_small() -> None:
    rows = {"tender": [tender(1, day(0))], "bid": bids(1, {"F1": 100.0})}
    values = profiled("tender", rows).values.loc["T001"]
    assert values.bids_count == 1
    assert values[["bid_cv", "bid_spd", "bid_diffp", "bid_kstest"]].isna().all()


def test_equal_bids_vary_exactly_nothing() -> None:
    rows = {"tender": [tender(1, day(0))], "bid": bids(1, {"F1": 0.1, "F2": 0.1, "F3": 0.1})}
    values = profiled("tender", rows).values.loc["T001"]
    assert values.bid_cv == 0
    assert np.isnan(values.bid_skew)


def test_a_consortium_is_one_bid() -> None:
    offered = bids(1, {"F1": 100.0, "F2": 100.0, "F3": 120.0})
    for row in offered[:2]:
        row["consortium_id"] = "K1"
    rows = {"tender": [tender(1, day(0))], "bid": offered}
    assert profiled("tender", rows).values.at["T001", "bids_count"] == 2


def test_history_is_read_from_strictly_earlier_tenders_only() -> None:
    rows = {
        "tender": [tender(1, day(0)), tender(2, day(0)), tender(3, day(5)), tender(4)],
        "bid": [row for number in (1, 2, 3, 4) for row in bids(number, {"F1": 100.0, "F2": 110.0})],
    }
    values = profiled("tender", rows).values
    assert values.at["T001", "pairs_met_mean"] == 0
    assert values.at["T002", "pairs_met_mean"] == 0
    assert values.at["T003", "pairs_met_mean"] == 2
    assert np.isnan(values.at["T004", "pairs_met_mean"])
    assert values.at["T003", "winner_prior_bids"] == 2


def test_a_chronic_loser_stands_out_and_ties_are_told_by_kind() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "tender": [tender(i, day(i)) for i in range(8)],
        "bid": [row for i in range(8) for row in bids(i, {"F1": 100.0, "F2": 110.0})],
        "org_interest": [
            {
                "interest_id": f"I{firm}",
                "org_id": firm,
                "holder_id": "P-OWNER",
                "holder_kind": "person",
                "interest_type": "shareholding",
                "directness": "direct",
            }
            for firm in ("F1", "F2")
        ],
    }
    values = profiled("supplier", rows).values
    assert values.at["F2", "wins_short_of_chance"] == 4
    assert values.at["F2", "lost_to_one_share"] == 1
    assert values.at["F1", "lost_bids"] == 0
    assert values.at["F2", "tied_owner_rivals"] == 1
    assert np.isnan(values.at["F2", "tied_contact_rivals"]), "no register of contacts is there"


def test_rotation_is_whole_where_two_firms_win_in_turn() -> None:
    rows = {
        "tender": [tender(i, day(i)) for i in range(6)],
        "bid": [row for i in range(6) for row in bids(i, {"F1": 100.0 + i % 2, "F2": 101.0 - i % 2, "F3": 200.0})],
    }
    values = profiled("supplier", rows).values
    assert values.at["F1", "rotation_share"] == 1
    assert values.at["F3", "rotation_share"] == 0


def test_a_hub_ties_nobody() -> None:
    firms = {f"F{i}": 100.0 + i for i in range(8)}
    rows = {
        "tender": [tender(1, day(0))],
        "bid": bids(1, firms),
        "contact_point": [{"party_id": firm, "kind": "phone", "value_norm": "0898-1"} for firm in firms],
    }
    values = profiled("supplier", rows).values
    assert (values["tied_contact_rivals"] == 0).all()
    assert values["tied_rivals"].isna().all(), "nothing is known of owners and staff"


def test_split_series_and_awards_just_below_the_threshold() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "tender": [tender(i, day(i * 10), buyer_id="B1" if i < 4 else "B2") for i in range(8)],
        "award": [award(i, "B1", "F1", 95.0, day(i * 10), f"T{i:03d}") for i in range(4)]
        + [award(i, "B2", f"F{i}", 20.0, day(i * 10), f"T{i:03d}") for i in range(4, 8)],
        "policy_threshold": [threshold(100.0)],
    }
    values = profiled("buyer", rows).values
    assert values.at["B1", "split_series"] == 1
    assert values.at["B1", "split_series_awards"] == 2
    assert values.at["B1", "near_threshold_share"] == 1
    assert values.at["B2", "split_series"] == 0
    assert values.at["B2", "near_threshold_share"] == 0
    del rows["policy_threshold"]
    assert profiled("buyer", rows).values[["split_series", "near_threshold_share"]].isna().all(axis=None)


def test_evidence_gives_the_weightiest_rows_of_the_window_first() -> None:
    rows = {"claim": [claim(i, "H1", "P1", 100.0 * i, day(i * 50)) for i in range(1, 9)]}
    found = evidence(engine_of(rows), "institution", day(400), {"fund_paid": ["H1"], "fund_paid_90d": ["H1"]}, limit=3)
    (ever,), (recent,) = found["fund_paid", "H1"], found["fund_paid_90d", "H1"]
    assert (ever.table, ever.key, ever.ids, ever.total) == ("claim", "claim_id", ("C0008", "C0007", "C0006"), 8)
    assert (recent.ids, recent.total) == (("C0008", "C0007"), 2)


def test_evidence_of_the_drug_norm_is_the_lines_of_the_drug_furthest_over_it() -> None:
    rows = prescriptions({**{f"H{i}": 10.0 for i in range(9)}, "H9": 230.0})
    other = prescriptions({f"H{i}": 10.0 for i in range(10)}, item="I2")
    for row in other:
        row["rx_id"] = "Z" + row["rx_id"]
    engine = engine_of({"prescription": rows + other})
    before = engine.executed
    found = evidence(engine, "institution", day(400), {"rx_times_norm": ["H9", "H1"]}, limit=12)
    assert engine.executed == before + 1
    assert all(key.startswith("R09") for key in found["rx_times_norm", "H9"][0].ids)
    assert found["rx_times_norm", "H9"][0].total == 24


def test_evidence_for_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(Misuse, match="Nearest: fund_paid"):
        evidence(engine_of({"claim": [claim(1, "H1", "P1", 1.0, day(0))]}), "institution", None, {"fund_payed": ["H1"]})


def test_every_column_has_a_query_for_its_evidence() -> None:
    rows = {
        "claim": [claim(i, "H1", f"P{i}", 100.0, day(i)) for i in range(5)],
        "admission": [stay(i, "H1", f"P{i}", day(i), 2) for i in range(5)],
        "prescription": prescriptions({"H1": 1.0}),
        "tender": [tender(i, day(i)) for i in range(5)],
        "bid": [row for i in range(5) for row in bids(i, {"F1": 100.0, "F2": 110.0})],
        "award": [award(i, "B1", "F1", 95.0, day(i), f"T{i:03d}") for i in range(5)],
        "claim_item": [],
    }
    engine = engine_of(rows)
    ids = {"institution": "H1", "practitioner": "D1", "supplier": "F1", "tender": "T001", "buyer": "B1"}
    for kind, of in entities().items():
        views: dict[str, str] = {one.view.name: one.columns[0].name for one in of.measures.values()}
        evidence(engine, kind, day(50), {column: [ids.get(kind, "X")] for column in views.values()})


def test_context_measures_are_held_against_nobody() -> None:
    columns = {c.name: c for kind in entities().values() for c in kind.columns}
    assert columns["top_drug_share"].suspicious is Direction.NONE
    assert columns["bid_cv"].suspicious is Direction.LOW
