"""Prescriptions, dispensings, settled claims and charged lines, from visits and stays."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.conditions import CONDITIONS, STAYS
from features.samplecity.drugs import service_list
from features.samplecity.institutions import Institutions
from features.samplecity.people import Patients
from features.samplecity.plan import LATER_END, MEDICAL_START, City, Numbers, Reals, moments, or_null
from features.samplecity.prescribing import Care, whole_units

MINUTE = np.timedelta64(60, "s")


def write_claims(
    city: City, found: Institutions, patients: Patients, care: Care, stays: pd.DataFrame, pharmacy: pd.DataFrame
) -> None:
    """Write `prescription`, `dispensing`, `claim` and `claim_item`."""
    rng = city.rng("claims")
    visits = care.visits.sort_values("at", kind="stable", ignore_index=True)
    visits["claim_id"] = [f"JS{number:09d}" for number in range(len(visits))]
    lines = care.lines.merge(visits, on="visit", how="inner").sort_values(["at", "claim_id"], kind="stable")
    lines = lines.reset_index(drop=True)
    city.tables["prescription"] = _prescriptions(rng, found, patients, care.drugs, lines)
    city.tables["dispensing"] = pd.concat(
        [
            _dispensings(rng, found, patients, care.drugs, lines, city.tables["prescription"]["rx_id"]),
            _sales(rng, found, patients, care.drugs, pharmacy),
        ],
        ignore_index=True,
    )
    city.tables["dispensing"]["dispense_id"] = [f"FY{number:09d}" for number in range(len(city.tables["dispensing"]))]
    items = _stay_items(rng, found, care.drugs, stays)
    city.tables["claim_item"] = items.drop(columns=["stay"])
    city.tables["claim"] = pd.concat(
        [
            _visit_claims(rng, found, patients, care.drugs, visits, lines),
            _pharmacy_claims(rng, found, patients, care.drugs, pharmacy),
            _stay_claims(rng, found, patients, stays, items),
        ],
        ignore_index=True,
    )


def pharmacy_visits(city: City, found: Institutions, patients: Patients, drugs: pd.DataFrame) -> pd.DataFrame:
    """Purchases at retail pharmacies: person, institution, at, drug, quantity, claim_id."""
    rng, count = city.rng("pharmacies"), city.size.pharmacy_visits
    shops = found.of_kind("pharmacy")
    weight = found.table["weight"].to_numpy(float)[shops]
    person = rng.choice(len(patients.ids), size=count, p=patients.rate / patients.rate.sum())
    common = np.flatnonzero(drugs["nrdl_class"].isin(["A", "B"]) & ~drugs["is_restricted"] & (drugs["price"] < 20))
    drug = common[rng.integers(0, len(common), count)]
    days = rng.choice([7.0, 14.0, 28.0], count)
    frame = pd.DataFrame(
        {
            "person": person,
            "institution": shops[rng.choice(len(shops), size=count, p=weight / weight.sum())],
            "at": moments(rng, count, MEDICAL_START, LATER_END),
            "drug": drug,
            "quantity": whole_units(drugs["ddd"].to_numpy()[drug], days, drugs["strength"].to_numpy()[drug]),
        }
    )
    frame = frame[frame["at"].to_numpy() < patients.dies[person]].sort_values("at", kind="stable", ignore_index=True)
    frame["claim_id"] = [f"YD{number:09d}" for number in range(len(frame))]
    return frame


def _prescriptions(
    rng: np.random.Generator, found: Institutions, patients: Patients, drugs: pd.DataFrame, lines: pd.DataFrame
) -> pd.DataFrame:
    chronic = np.array([one.chronic for one in CONDITIONS])[lines["condition"]]
    icd = np.array([one.icd for one in CONDITIONS], object)[lines["condition"]]
    controlled = drugs["is_controlled"].to_numpy()[lines["drug"]]
    urgent = rng.random(len(lines)) < 0.04
    kind = np.select(
        [controlled, chronic & (lines["days"].to_numpy() > 28), urgent],
        ["narcotic", "chronic_long", "emergency"],
        "normal",
    )
    known = rng.random(len(lines)) > 0.03
    return pd.DataFrame(
        {
            "rx_id": "CF" + lines["claim_id"].str[2:],
            "rx_line": lines.groupby("claim_id", sort=False).cumcount() + 1,
            "person_id": patients.ids[lines["person"]],
            "institution_id": found.table["org_id"].to_numpy()[lines["institution"]],
            "prescriber_id": found.names[lines["doctor"]],
            "item_code": drugs["item_code"].to_numpy()[lines["drug"]],
            "prescribed_at": lines["at"],
            "quantity": lines["quantity"],
            "days_supply": lines["days"].where(known),
            "daily_dose": lines["dose"].round(3).where(rng.random(len(lines)) > 0.05),
            "rx_type": kind,
            "dx_codes": [[one] if keep else None for one, keep in zip(icd, known, strict=True)],
            "claim_id": lines["claim_id"],
        }
    )


def _dispensings(
    rng: np.random.Generator,
    found: Institutions,
    patients: Patients,
    drugs: pd.DataFrame,
    lines: pd.DataFrame,
    rx: pd.Series[str],
) -> pd.DataFrame:
    taken = rng.random(len(lines)) < 0.75
    frame = lines[taken]
    price = drugs["price"].to_numpy()[frame["drug"]]
    return pd.DataFrame(
        {
            "rx_id": rx[taken],
            "claim_id": frame["claim_id"],
            "person_id": patients.ids[frame["person"]],
            "institution_id": found.table["org_id"].to_numpy()[frame["institution"]],
            "item_code": drugs["item_code"].to_numpy()[frame["drug"]],
            "quantity": frame["quantity"],
            "days_supply": frame["days"],
            "dispensed_at": frame["at"].to_numpy() + rng.integers(5, 90, len(frame)) * MINUTE,
            "unit_price": (price * rng.normal(1.0, 0.02, len(frame))).round(2),
            "status": np.where(rng.random(len(frame)) < 0.006, "returned", "completed"),
        }
    )


def _sales(
    rng: np.random.Generator, found: Institutions, patients: Patients, drugs: pd.DataFrame, pharmacy: pd.DataFrame
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "claim_id": pharmacy["claim_id"],
            "person_id": patients.ids[pharmacy["person"]],
            "institution_id": found.table["org_id"].to_numpy()[pharmacy["institution"]],
            "item_code": drugs["item_code"].to_numpy()[pharmacy["drug"]],
            "quantity": pharmacy["quantity"],
            "dispensed_at": pharmacy["at"].to_numpy() + rng.integers(1, 5, len(pharmacy)) * MINUTE,
            "unit_price": drugs["price"].to_numpy()[pharmacy["drug"]].round(2),
            "status": "completed",
        }
    )


def _claim(
    rng: np.random.Generator, frame: pd.DataFrame, found: Institutions, patients: Patients, total: Reals, kind: object
) -> pd.DataFrame:
    """Columns that every kind of claim has; the fund pays more at small places."""
    level = found.table["level"].to_numpy(object)[frame["institution"]]
    share = np.select([level == "3", level == "2", level == "1"], [0.55, 0.65, 0.75], 0.8)
    share = (share + rng.normal(0, 0.05, len(frame))).clip(0.3, 0.95)
    total = np.maximum(total, 1.0).round(2).astype(np.float64)
    fund = np.round(total * share, 2)
    auth = rng.choice(
        ["card", "e_credential", "face", "id_card", "manual"], len(frame), p=(0.4, 0.38, 0.12, 0.08, 0.02)
    )
    return pd.DataFrame(
        {
            "claim_id": frame["claim_id"],
            "person_id": patients.ids[frame["person"]],
            "institution_id": found.table["org_id"].to_numpy()[frame["institution"]],
            "claim_type": kind,
            "service_from": frame["at"],
            "settled_at": frame["at"].to_numpy() + rng.integers(20, 180, len(frame)) * MINUTE,
            "total_amount": total,
            "fund_amount": fund,
            "self_amount": np.round(total - fund, 2),
            "auth_method": or_null(rng.random(len(frame)) >= 0.04, auth),
            "terminal_id": [
                f"T{place:03d}{number}"
                for place, number in zip(frame["institution"], rng.integers(0, 4, len(frame)), strict=True)
            ],
            "status": np.where(rng.random(len(frame)) < 0.01, "reversed", "settled"),
        }
    )


def _visit_claims(
    rng: np.random.Generator,
    found: Institutions,
    patients: Patients,
    drugs: pd.DataFrame,
    visits: pd.DataFrame,
    lines: pd.DataFrame,
) -> pd.DataFrame:
    cost = lines["quantity"].to_numpy() * drugs["price"].to_numpy()[lines["drug"]]
    medicine = pd.Series(cost).groupby(lines["claim_id"].to_numpy()).sum().reindex(visits["claim_id"]).fillna(0.0)
    extra = 10 + rng.exponential(60, len(visits)) * (rng.random(len(visits)) < 0.45)
    chronic = np.array([one.chronic for one in CONDITIONS])[visits["condition"]]
    urgent = rng.random(len(visits)) < 0.04
    kind = np.select([urgent, chronic], ["emergency", "chronic"], "outpatient")
    claims = _claim(rng, visits, found, patients, medicine.to_numpy() + extra, kind)
    icd = np.array([one.icd for one in CONDITIONS], object)[visits["condition"]]
    return claims.assign(dx_primary=or_null(rng.random(len(visits)) >= 0.02, icd))


def _pharmacy_claims(
    rng: np.random.Generator, found: Institutions, patients: Patients, drugs: pd.DataFrame, pharmacy: pd.DataFrame
) -> pd.DataFrame:
    total = pharmacy["quantity"].to_numpy() * drugs["price"].to_numpy()[pharmacy["drug"]]
    return _claim(rng, pharmacy, found, patients, total, "pharmacy")


def _stay_items(
    rng: np.random.Generator, found: Institutions, drugs: pd.DataFrame, stays: pd.DataFrame
) -> pd.DataFrame:
    """Charged lines of a stay: bed and nursing by the day, tests, the operation, therapy and the drugs given."""
    services, count = service_list(), len(stays)
    price = dict(zip(services["item_code"], services["price"], strict=True))
    nights, sham = stays["nights"].to_numpy(float), (stays["care"] == "sham").to_numpy()
    busy = rng.lognormal(0.0, 0.25, len(found.table))[stays["institution"]]
    parts = [("S110900001", nights), ("S120100003", nights)]
    for code, mean in (("S210200001", 0.7), ("S220302001", 0.8), ("S250101015", 2.2), ("S250300000", 1.5)):
        parts.append((code, rng.poisson(np.where(sham, mean * 1.3, mean * busy), count).astype(float)))
    parts.append(("S330000000", stays["operated"].to_numpy(float)))
    parts.append(("S340100000", np.where(sham, 0.0, rng.poisson(nights * 0.25)).astype(float)))
    frames = [_item_frame(stays, code, quantity, np.full(count, price[code])) for code, quantity in parts]
    hospital = np.flatnonzero(drugs["price"] < 80)
    for _ in range(2):
        drug = hospital[rng.integers(0, len(hospital), count)]
        quantity = np.where(sham, 2.0, np.ceil(nights * rng.lognormal(0.8, 0.6, count)))
        frames.append(
            _item_frame(stays, drugs["item_code"].to_numpy()[drug], quantity, drugs["price"].to_numpy()[drug])
        )
    items = pd.concat(frames, ignore_index=True)
    items = items[items["quantity"] > 0].sort_values(["stay", "item_code"], kind="stable", ignore_index=True)
    items["line_id"] = [f"MX{number:09d}" for number in range(len(items))]
    items["prescriber_id"] = found.names[stays["doctor"].to_numpy()[items["stay"]]]
    items["dept_code"] = np.array([row[1] for row in STAYS], object)[stays["kind"].to_numpy()[items["stay"]]]
    return items


def _item_frame(stays: pd.DataFrame, code: object, quantity: Reals, price: Reals) -> pd.DataFrame:
    amount = np.round(quantity * np.round(price, 2), 2)
    return pd.DataFrame(
        {
            "stay": np.arange(len(stays)),
            "claim_id": "ZJ" + stays["admission_id"].str[2:],
            "item_code": code,
            "quantity": quantity,
            "unit_price": np.round(price, 2),
            "amount": amount,
            "fund_amount": np.round(amount * 0.7, 2),
            "occurred_at": stays["at"].to_numpy() + np.timedelta64(4, "h"),
        }
    )


def _stay_claims(
    rng: np.random.Generator, found: Institutions, patients: Patients, stays: pd.DataFrame, items: pd.DataFrame
) -> pd.DataFrame:
    total = items.groupby("stay")["amount"].sum().reindex(np.arange(len(stays))).fillna(0.0).to_numpy()
    frame = stays.assign(claim_id="ZJ" + stays["admission_id"].str[2:])
    claims = _claim(rng, frame, found, patients, total, "inpatient")
    fund = items.groupby("stay")["fund_amount"].sum().reindex(np.arange(len(stays))).fillna(0.0).round(2).to_numpy()
    dx: Numbers = stays["kind"].to_numpy()
    return claims.assign(
        fund_amount=fund,
        self_amount=np.round(claims["total_amount"].to_numpy() - fund, 2),
        admission_id=stays["admission_id"],
        settled_at=stays["out"].to_numpy() + rng.integers(20, 600, len(stays)) * MINUTE,
        dx_primary=np.array([row[0] for row in STAYS], object)[dx],
    )
