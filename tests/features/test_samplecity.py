"""The sample city: the same bytes for the same seed, rows under contract, schemes really there, look-alikes honest."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pandas as pd
import pytest

from features.contracts import contract_of
from features.samplecity import Sample, make_city
from features.samplecity.drugs import drug_list
from features.samplecity.identifiers import is_credit_code
from features.samplecity.write import CHINESE
from gnomon.errors import Misuse


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make_city(tmp_path_factory.mktemp("city") / "a", seed=7, size="small")


def _read(city: Sample, table: str, wave: str = "history") -> pd.DataFrame:
    """A source file as a careful reader would: text, with the dirty rows taken out and duplicates counted once."""
    encoding = "gb18030" if table in CHINESE else "utf-8"
    frame = pd.read_csv(city.folder / wave / f"{table}.csv", dtype=str, encoding=encoding, keep_default_na=False)
    if table in CHINESE:
        back = {one.title.zh: one.name for one in contract_of(table).columns}
        frame = frame.rename(columns=back)
    notes = [one for one in city.manifest["dirty"] if one["table"] == table and one["wave"] == wave]
    dirty = [one["row"] - 2 for one in notes if one["fault"] != "duplicate"]
    return frame.drop(index=dirty).drop_duplicates().reset_index(drop=True)


def _truth(city: Sample) -> pd.DataFrame:
    return pd.read_csv(city.truth / "truth.csv", dtype=str, keep_default_na=False)


def _lookalikes(city: Sample) -> pd.DataFrame:
    return pd.read_csv(city.truth / "lookalikes.csv", dtype=str, keep_default_na=False)


def _planted(city: Sample, kind: str, scheme: str) -> set[str]:
    truth = _truth(city)
    return set(truth.loc[(truth["entity_kind"] == kind) & (truth["scheme"] == scheme), "entity_id"])


def _digest(folder: Path) -> dict[str, str]:
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(city: Sample, tmp_path: Path) -> None:
    begun = time.perf_counter()
    again = make_city(tmp_path / "b", seed=7, size="small")
    seconds = time.perf_counter() - begun
    other = make_city(tmp_path / "c", seed=8, size="small")
    assert _digest(again.folder) == _digest(city.folder)
    assert _digest(other.folder) != _digest(city.folder)
    # A generous limit: five seconds are promised on a quiet machine.
    assert seconds < 15


def test_a_reform_changes_the_later_prescriptions_and_nothing_before(city: Sample, tmp_path: Path) -> None:
    reformed = make_city(tmp_path / "reformed", seed=7, size="small", reform=True)
    ours, theirs = _digest(reformed.folder), _digest(city.folder)
    assert {name for name in theirs if ours[name] != theirs[name]} == {
        "later/prescription.csv", "manifest.json", "truth/truth.csv",
    }  # fmt: skip
    truth = _truth(reformed)
    sellers = truth[truth["note"].str.startswith("sells slips at night")]
    assert set(sellers["entity_kind"]) == {"practitioner"}
    assert not set(sellers["entity_id"]) & set(_truth(city)["entity_id"])
    rows = _read(reformed, "prescription", "later")
    slips = rows[rows["rx_id"].str.startswith("CFN")]
    assert set(slips["prescriber_id"]) == set(sellers["entity_id"])
    hours = slips["prescribed_at"].str[11:13].astype(int)
    assert ((hours >= 22) | (hours < 5)).all()
    assert not slips.duplicated(["prescriber_id", "person_id"]).any()
    honest = rows.merge(_read(city, "prescription", "later"), on=["rx_id", "rx_line"])
    after = honest["prescribed_at_x"] > reformed.manifest["history_end"] + "T23:59:59"
    ratio = honest["quantity_x"].astype(float) / honest["quantity_y"].astype(float)
    assert (ratio[after] == 3.0).all()
    assert (ratio[~after] == 1.0).all()


def test_a_city_replaces_a_city_but_never_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "thesis.docx").write_text("ten years of work")
    with pytest.raises(Misuse, match=r"thesis\.docx"):
        make_city(folder, size="small")
    with pytest.raises(Misuse, match="default, small"):
        make_city(tmp_path / "other", size="huge")


def test_every_row_keeps_its_contract_but_those_that_the_manifest_counts(city: Sample) -> None:
    for table in city.manifest["rows"]["history"]:
        rows, kept = _read(city, table), contract_of(table)
        for column in kept.columns:
            if column.name not in rows.columns:
                assert not column.required, f"{table}.{column.name}"
                continue
            told = rows.loc[rows[column.name] != "", column.name]
            assert not column.required or len(told) == len(rows), f"{table}.{column.name} has holes"
            shape = {
                "hash": r"[0-9a-f]{64}",
                "date": r"\d{4}-\d\d-\d\d",
                "ts": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00",
                "month": r"\d{4}-\d\d",
                "money": r"-?\d+\.\d\d",
                "decimal": r"-?\d+(\.\d+)?",
                "ratio": r"\d+(\.\d+)?",
                "int": r"-?\d+",
                "bool": r"true|false",
                "list": r"\[.*\]",
            }.get(column.type, r".+")
            assert told.str.fullmatch(shape).all(), f"{table}.{column.name}: {told[~told.str.fullmatch(shape)].iloc[0]}"
            if column.type in ("date", "ts"):
                assert pd.to_datetime(told, format="ISO8601").notna().all()
            if column.values and not (table in CHINESE and column.name == "admit_route"):
                assert set(told) <= set(column.values), f"{table}.{column.name}"
        assert not rows.duplicated(list(kept.key)).any(), table


def test_the_manifest_names_each_dirty_row_and_what_is_wrong_with_it(city: Sample) -> None:
    notes = [one for one in city.manifest["dirty"] if one["table"] == "prescription" and one["wave"] == "history"]
    rows = pd.read_csv(city.folder / "history" / "prescription.csv", dtype=str, keep_default_na=False)
    told = {fault: [one["row"] - 2 for one in notes if one["fault"] == fault] for fault in {n["fault"] for n in notes}}
    assert set(told) == {"bad_date", "unknown_code", "missing", "not_a_number", "duplicate"}
    assert set(rows.loc[told["bad_date"], "prescribed_at"]) == {"2025-02-30 10:00:00"}
    assert set(rows.loc[told["missing"], "prescriber_id"]) == {""}
    counted = city.manifest["rows"]["history"]["prescription"]
    assert counted["rows"] == len(rows)
    assert counted["refused"] == sum(len(where) for fault, where in told.items() if fault != "duplicate")
    assert counted["duplicates"] == len(told["duplicate"]) == int(rows.duplicated().sum())


def test_credit_codes_have_valid_check_characters_and_references_hold(city: Sample) -> None:
    organizations = _read(city, "organization")
    assert organizations["org_id"].map(is_credit_code).all()
    known = set(organizations["org_id"])
    assert organizations["name"].is_unique
    for table, column in (
        ("prescription", "institution_id"),
        ("claim", "institution_id"),
        ("bid", "bidder_id"),
        ("tender", "buyer_id"),
        ("award", "supplier_id"),
        ("position", "org_id"),
        ("org_interest", "org_id"),
    ):
        assert set(_read(city, table)[column]) <= known, f"{table}.{column}"
    people = set(_read(city, "person")["person_id"])
    assert set(_read(city, "prescription")["person_id"]) <= people
    assert set(_read(city, "prescription")["item_code"]) <= set(_read(city, "catalog_item")["item_code"])


def test_the_drug_list_has_120_drugs_with_doses_that_make_sense() -> None:
    drugs = drug_list()
    assert len(drugs) == 120
    assert drugs["item_code"].is_unique
    assert drugs["name"].is_unique
    assert (drugs[["strength", "ddd", "max_daily_dose", "price"]] > 0).all(axis=None)


def _per_patient(city: Sample) -> pd.DataFrame:
    rx = _read(city, "prescription").astype({"quantity": float})
    sums = rx.groupby(["institution_id", "item_code"]).agg(
        quantity=("quantity", "sum"), people=("person_id", "nunique"), most=("quantity", "max")
    )
    return sums.assign(each=sums["quantity"] / sums["people"]).reset_index()


def test_six_institutions_prescribe_over_twenty_times_the_peers_median_per_patient(city: Sample) -> None:
    sums, planted = _per_patient(city), _planted(city, "institution", "over-prescribing")
    assert len(planted) == 6
    honest = sums[~sums["institution_id"].isin(planted)]
    norm = honest.groupby("item_code")["each"].median()
    ratio = sums["each"] / sums["item_code"].map(norm)
    worst = ratio.groupby(sums["institution_id"]).max()
    assert (worst[list(planted)] > 20).all()
    # The slip of the keyboard and the specialists are the only honest ones near that; nobody else comes to ten.
    excused = set(_lookalikes(city)["entity_id"])
    enough = sums["people"] >= 8
    others = ratio[enough & ~sums["institution_id"].isin(planted | excused)]
    assert others.max() < 12


def test_ghosts_hold_no_post_and_sign_one_basket(city: Sample) -> None:
    ghosts = _planted(city, "practitioner", "identity-misuse")
    assert len(ghosts) == 8
    assert not ghosts & set(_read(city, "position")["person_id"])
    rx = _read(city, "prescription")
    mine = rx[rx["prescriber_id"].isin(ghosts)]
    assert mine["item_code"].nunique() == 4
    assert mine.groupby("prescriber_id").size().min() > 100


def test_sham_stays_have_no_care_and_come_in_related_batches(city: Sample) -> None:
    planted = _planted(city, "institution", "sham-admission")
    stays, days = _read(city, "admission"), _read(city, "inpatient_day")
    counts = days[["n_treatments", "n_vitals"]].apply(pd.to_numeric)
    empty = ((counts["n_treatments"] == 0) & (counts["n_vitals"] <= 1)).groupby(days["admission_id"]).mean()
    share = empty.reindex(stays["admission_id"]).groupby(stays["institution_id"].to_numpy()).mean()
    assert share[list(planted)].min() > 0.25 > share[~share.index.isin(planted)].max()
    household = _read(city, "person").set_index("person_id")["household_id"]
    stays = stays.assign(day=stays["admit_at"].str[:10], home=household.reindex(stays["person_id"]).to_numpy())
    same = stays[stays["home"] != ""].groupby(["institution_id", "day", "home"]).size()
    assert same.groupby("institution_id").max()[list(planted)].min() >= 2


def test_the_dead_are_billed_for_at_the_planted_institutions_only(city: Sample) -> None:
    died = _read(city, "person").set_index("person_id")["death_date"]
    claims = _read(city, "claim")
    death = pd.to_datetime(died.reindex(claims["person_id"]).to_numpy(), errors="coerce")
    late = pd.to_datetime(claims["service_from"].str[:10]) > death + pd.Timedelta(days=1)
    assert late.sum() > 50
    assert set(claims.loc[late, "institution_id"]) <= _planted(city, "institution", "identity-misuse")


def test_ring_and_cover_groups_bid_close_together_and_the_ring_takes_turns(city: Sample) -> None:
    bids = _read(city, "bid").astype({"amount": float})
    valid = bids[bids["status"] == "valid"]
    stats = valid.groupby("tender_id")["amount"].agg(["mean", "std", "count"])
    spread = (stats["std"] / stats["mean"])[stats["count"] >= 3]
    rigged = _planted(city, "tender", "bid-rigging") | _planted(city, "tender", "cover-bidding")
    honest = spread[~spread.index.isin(set(_truth(city)["entity_id"]))]
    assert spread[spread.index.isin(rigged)].median() < honest.median() / 2
    # Not separable by one naive threshold: some honest trades bid as close together.
    assert honest.quantile(0.03) < spread[spread.index.isin(rigged)].quantile(0.9)
    ring = _planted(city, "supplier", "bid-rigging")
    mine = bids[bids["tender_id"].isin(_planted(city, "tender", "bid-rigging")) & (bids["is_winner"] == "true")]
    wins = mine["bidder_id"].value_counts()
    assert set(wins.index[:5]) == ring
    assert wins[list(ring)].max() <= 2 * wins[list(ring)].min()
    owners = _read(city, "org_interest")
    tied = owners[owners["org_id"].isin(ring)].groupby("holder_id")["org_id"].nunique()
    assert (tied > 1).sum() >= 2


def test_split_awards_lie_just_below_the_threshold_and_go_to_one_supplier(city: Sample) -> None:
    tenders = _read(city, "tender").set_index("tender_id")
    limit = {"services": 1e6, "goods": 2e6, "works": 4e6}
    split = tenders.loc[sorted(_planted(city, "tender", "threshold-splitting") & set(tenders.index))]
    ceiling = pd.to_numeric(split["ceiling_price"])
    share = (ceiling / split["category"].map(limit)).dropna()
    assert share.between(0.9, 1.0, inclusive="left").all()
    awards = _read(city, "award")
    winners = awards[awards["tender_id"].isin(split.index)].groupby("buyer_id")["supplier_id"].nunique()
    assert (winners == 1).all()
    assert len(winners) == 3


def test_prices_hug_the_ceiling_only_where_planted(city: Sample) -> None:
    tenders = _read(city, "tender").set_index("tender_id")
    awards = _read(city, "award")
    ceiling = pd.to_numeric(tenders["ceiling_price"]).reindex(awards["tender_id"]).to_numpy()
    ratio = awards["amount"].astype(float) / ceiling
    planted = awards["tender_id"].isin(_planted(city, "tender", "price-deviation"))
    assert ratio[planted].min() > 0.994
    assert ratio[~planted].median() < 0.92


def test_lookalikes_are_of_all_kinds_and_nobody_is_both_honest_and_guilty(city: Sample) -> None:
    honest, guilty = _lookalikes(city), _truth(city)
    assert set(honest["kind"]) == {
        "specialist", "tiny-village-clinic", "biggest-hospital", "monopoly-supplier", "data-entry-slip",
        "blank-doctor-names", "long-term-care", "framework-buyer", "framework-supplier", "narrow-market",
    }  # fmt: skip
    assert not set(honest["entity_id"]) & set(guilty["entity_id"])
    rx = _read(city, "prescription")
    tiny = honest.loc[honest["kind"] == "tiny-village-clinic", "entity_id"].iloc[0]
    assert rx.loc[rx["institution_id"] == tiny, "person_id"].nunique() == 5
    blank = hashlib.sha256("未知".encode()).hexdigest()
    assert rx.loc[rx["prescriber_id"] == blank, "institution_id"].nunique() == 8
    assert rx["prescriber_id"].value_counts().index[0] == blank


def test_labels_are_older_than_the_scoring_date_and_admit_what_was_not_found(city: Sample) -> None:
    labels = _read(city, "label")
    assert (labels["labelled_at"] < city.manifest["history_end"]).all()
    assert (labels["as_of"] < labels["labelled_at"]).all()
    assert set(labels["outcome"]) == {"confirmed", "useful", "false_alarm", "data_error"}
    guilty = set(_truth(city)["entity_id"])
    found = labels[labels["outcome"] == "confirmed"]
    assert set(found["entity_id"]) <= guilty
    # Inspections saw about half of what there is: the rest stays for the pipeline to find.
    assert 0.2 < len(found) / len(guilty) < 0.6


def test_the_second_wave_is_later_and_corrects_what_was_open(city: Sample) -> None:
    end = city.manifest["history_end"]
    later = _read(city, "claim", "later")
    new = later["settled_at"].str[:10] > end
    assert new.mean() > 0.9
    assert not new.all()
    first, second = (_read(city, "admission", wave).set_index("admission_id") for wave in ("history", "later"))
    opened = first.index[first["discharge_at"] == ""]
    assert len(opened) > 0
    assert set(opened) <= set(second.index)
    assert (second.loc[opened, "discharge_at"] != "").all()


def test_the_manifest_is_what_the_sample_tells(city: Sample) -> None:
    assert json.loads((city.folder / "manifest.json").read_text(encoding="utf-8")) == city.manifest
    assert set(city.files("history")) == {one.stem for one in (city.folder / "history").glob("*.csv")}
    assert city.mapping("admission") is not None
    assert city.mapping("claim") is None
