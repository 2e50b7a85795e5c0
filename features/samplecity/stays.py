"""Hospital stays, and what was done for the patient on each day of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.conditions import STAYS
from features.samplecity.institutions import Institutions
from features.samplecity.people import Patients
from features.samplecity.plan import LATER_END, MEDICAL_START, City, Mask, Numbers, Words, moments
from features.samplecity.prescribing import pick_doctors

NORMAL, SHAM, LONG_TERM = "normal", "sham", "long-term"
DAY = np.timedelta64(1, "D")


def honest_stays(city: City, found: Institutions, patients: Patients) -> pd.DataFrame:
    """Stays with columns person, institution, doctor, kind, at, nights, care; `kind` is a row of `STAYS`."""
    rng, count = city.rng("stays"), city.size.stays
    frail = patients.rate * (0.3 + (patients.age / 60) ** 2)
    person = rng.choice(len(patients.ids), size=count, p=frail / frail.sum())
    at = moments(rng, count, MEDICAL_START, LATER_END - 2 * DAY)
    month = at.astype("datetime64[M]").astype(int) % 12 + 1
    weight = np.array(
        [row[2] * (1 + (0.5 * np.cos((month - row[6]) / 12 * 2 * np.pi) if row[6] else 0 * month)) for row in STAYS]
    )
    births = [row[0][0] == "O" or row[0] == "D25.900" for row in STAYS]
    woman = ~patients.male[person] & (patients.age[person] < 50)
    weight = weight * np.where(np.array(births)[:, None], woman[None, :], True)
    kind = (weight.cumsum(axis=0) < rng.random(count) * weight.sum(axis=0)).sum(axis=0).clip(0, len(STAYS) - 1)
    hospitals = found.of_kind("hospital", "1")
    size = found.table["weight"].to_numpy(float)[hospitals]
    small = hospitals[rng.choice(len(hospitals), size=count, p=size / size.sum())]
    operated = np.array([row[5] for row in STAYS])[kind]
    place = np.where((rng.random(count) < 0.22) & (operated < 0.5), small, patients.hospital[person])
    habit = rng.lognormal(0.0, 0.15, len(found.table))[place]
    nights = np.array([row[3] for row in STAYS])[kind] * habit * rng.lognormal(0.0, 0.4, count)
    stays = pd.DataFrame({"person": person, "institution": place, "kind": kind, "at": at})
    stays["nights"] = nights.round().clip(1, 60).astype(int)
    stays["care"] = NORMAL
    stays = stays[at + (stays["nights"].to_numpy() + 1) * DAY < patients.dies[person]].reset_index(drop=True)
    return with_doctors(rng, found, stays)


def with_doctors(rng: np.random.Generator, found: Institutions, stays: pd.DataFrame) -> pd.DataFrame:
    """The stays, each with an attending doctor of its department."""
    wanted = np.array([row[1] for row in STAYS])[stays["kind"]]
    return stays.assign(doctor=pick_doctors(rng, found, stays["institution"].to_numpy(), wanted))


def without_overlaps(stays: pd.DataFrame) -> pd.DataFrame:
    """Without stays that begin before the same person's previous one has ended: even a sham has to look possible."""
    stays = stays.sort_values(["person", "at"], kind="stable", ignore_index=True)
    end = stays["at"] + pd.to_timedelta(stays["nights"] + 1, unit="D")
    latest = end.groupby(stays["person"]).cummax().groupby(stays["person"]).shift()
    return stays[~(stays["at"] < latest)].reset_index(drop=True)


def write_stays(city: City, found: Institutions, patients: Patients, stays: pd.DataFrame) -> pd.DataFrame:
    """Write `admission` and `inpatient_day`; returns the stays with admission_id and out (the discharge)."""
    rng = city.rng("write stays")
    stays = stays.sort_values("at", kind="stable", ignore_index=True)
    stays["admission_id"] = [f"ZY{number:08d}" for number in range(len(stays))]
    hours = rng.integers(-2, 6, len(stays)).astype("timedelta64[h]")
    stays["out"] = stays["at"].to_numpy() + stays["nights"].to_numpy() * DAY + hours
    kinds = [np.array([row[column] for row in STAYS]) for column in (0, 1, 4, 5)]
    dx, department, weight, cut = (values[stays["kind"]] for values in kinds)
    sham = (stays["care"] == SHAM).to_numpy()
    operated = (rng.random(len(stays)) < cut) & ~sham
    urgent = rng.random(len(stays))
    city.tables["admission"] = pd.DataFrame(
        {
            "admission_id": stays["admission_id"],
            "person_id": patients.ids[stays["person"]],
            "institution_id": found.table["org_id"].to_numpy()[stays["institution"]],
            "admit_at": stays["at"],
            "discharge_at": stays["out"],
            "admit_route": np.where(urgent < 0.3, "emergency", np.where(urgent < 0.96, "outpatient", "transfer")),
            "dept_code": department,
            "attending_id": found.names[stays["doctor"]],
            "dx_primary": dx,
            "dx_codes": [[one] for one in dx],
            "procedure_codes": _lists(operated, "47.0100"),
            "drg_weight": (weight * rng.lognormal(0, 0.1, len(stays))).round(3),
            "cc_level": rng.choice(["none", "CC", "MCC"], len(stays), p=(0.66, 0.24, 0.10)),
        }
    )
    stays["operated"] = operated
    city.tables["inpatient_day"] = _days(rng, found, stays)
    return stays


def _lists(there: Mask, code: str) -> Words:
    told: Words = np.full(len(there), None, object)
    for number in np.flatnonzero(there):
        told[number] = [code]
    return told


def _days(rng: np.random.Generator, found: Institutions, stays: pd.DataFrame) -> pd.DataFrame:
    length = stays["nights"].to_numpy() + 1
    stay = np.repeat(np.arange(len(stays)), length)
    passed = np.arange(len(stay)) - np.repeat(np.cumsum(length) - length, length)
    day = stays["at"].to_numpy().astype("datetime64[D]")[stay] + passed.astype("timedelta64[D]")
    place, care = stays["institution"].to_numpy()[stay], stays["care"].to_numpy(str)[stay]
    sham, long_term = care == SHAM, care == LONG_TERM
    busy = rng.lognormal(0.0, 0.35, len(found.table))[place]
    weekend = np.where((day.astype(int) + 3) % 7 >= 5, 0.7, 1.0)

    def records(honest: float, long: float, empty: float) -> Numbers:
        mean = np.where(sham, empty, np.where(long_term, long, honest * busy * weekend))
        return np.asarray(rng.poisson(mean))

    frame = pd.DataFrame(
        {
            "admission_id": stays["admission_id"].to_numpy()[stay],
            "day": day,
            "bed_id": [f"B{number}" for number in rng.integers(1, 400, len(stays))[stay]],
            "n_nursing": records(5.0, 5.0, 0.4),
            "n_vitals": records(4.0, 3.0, 0.3),
            "n_orders_done": records(8.0, 4.0, 0.8),
            "n_treatments": records(4.5, 1.2, 0.12),
            "on_leave": rng.random(len(day)) < np.where(sham, 0.45, np.where(long_term, 0.02, 0.006)),
        }
    )
    # Some hospitals do not deliver ward records at all: null is unknown, and nobody's fault.
    absent = (rng.random(len(found.table)) < 0.08) & ~np.isin(np.arange(len(found.table)), place[sham])
    for column in ("n_nursing", "n_vitals", "n_treatments"):
        frame[column] = frame[column].astype("float64").where(~absent[place] & (rng.random(len(day)) > 0.01))
    inside: Mask = day <= LATER_END.astype("datetime64[D]")
    return frame.loc[inside].reset_index(drop=True)
