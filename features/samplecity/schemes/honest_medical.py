"""Honest medical look-alikes: unusual for a reason that is nobody's fault."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.conditions import CONDITIONS, STAYS
from features.samplecity.drugs import drugs_of
from features.samplecity.institutions import PLACEHOLDER, Institutions
from features.samplecity.people import ALIVE, Patients
from features.samplecity.plan import HISTORY_END, LATER_END, MEDICAL_START, City, moments
from features.samplecity.prescribing import Care, pick_doctors, whole_units
from features.samplecity.stays import LONG_TERM, with_doctors

_SPECIALIST_CARE = (
    # special institution, its condition, its drugs, patients, days between visits
    ("psychiatric", "F20.900", ("N05A", "N03AG"), 260, 28),
    ("oncology", "C34.900", ("L01EB", "L01BC", "L01FG", "L02"), 120, 28),
    ("rare-disease", "J06.900", ("B02BD",), 24, 21),
)


def place_medical(city: City, found: Institutions, patients: Patients, care: Care, stays: pd.DataFrame) -> pd.DataFrame:
    """Place all medical look-alikes; visits and lines go into `care`, the stays come back with the long ones added."""
    small = len(patients.ids) < 10_000
    for what, icd, prefixes, people, gap in _SPECIALIST_CARE:
        _specialist(city, found, patients, care, what, icd, prefixes, people // 3 if small else people, gap)
    _tiny_village(city, found, patients, care)
    _slip(city, found, care)
    _blank_names(city, found, care)
    why = "by far the most patients; per patient it does what others do"
    city.excuse("institution", found.ids([found.special("biggest")]), "biggest-hospital", why)
    return _long_term(city, found, patients, stays)


def _specialist(
    city: City,
    found: Institutions,
    patients: Patients,
    care: Care,
    what: str,
    icd: str,
    prefixes: tuple[str, ...],
    count: int,
    gap: int,
) -> None:
    """A specialist place: its own few drugs, in quantity, for regular patients, at doses the label allows."""
    rng, place = city.rng(f"specialist {what}"), found.special(what)
    people = rng.choice(np.flatnonzero((patients.dies == ALIVE) & (patients.age >= 18)), size=count, replace=False)
    rounds = int((LATER_END - MEDICAL_START) / np.timedelta64(gap, "D"))
    person = np.repeat(people, rounds)
    began = np.repeat(rng.integers(0, rounds - 3, count), rounds)
    number = np.tile(np.arange(rounds), count)
    kept = (number >= began) & (rng.random(len(person)) < 0.85)
    person, number = person[kept], number[kept]
    at = MEDICAL_START + (number * gap + rng.integers(0, 6, len(number))).astype("timedelta64[D]")
    at = at + rng.integers(8 * 3600, 17 * 3600, len(number)).astype("timedelta64[s]")
    condition = next(row for row, one in enumerate(CONDITIONS) if one.icd == icd)
    visits = pd.DataFrame({"visit": np.arange(len(person)), "person": person, "institution": place, "at": at})
    visits = visits.assign(condition=condition)
    own = np.full(len(visits), CONDITIONS[condition].specialty)
    visits["doctor"] = pick_doctors(rng, found, visits["institution"].to_numpy(), own)
    choice = np.array(drugs_of(care.drugs, prefixes))
    # A patient stays on one drug, as one does.
    fixed = choice[rng.integers(0, len(choice), len(patients.ids))]
    drug = fixed[person]
    table = care.drugs.iloc[drug]
    dose = np.minimum(
        table["ddd"].to_numpy() * rng.choice([1.0, 1.25, 1.5], len(drug)), table["max_daily_dose"].to_numpy()
    )
    quantity = whole_units(dose, np.full(len(drug), float(gap)), table["strength"].to_numpy())
    lines = pd.DataFrame(
        {"visit": visits["visit"], "drug": drug, "quantity": quantity, "days": float(gap), "dose": dose}
    )
    care.append(visits, lines)
    why = f"{what}: much of its own drugs, few peers, doses within the label"
    city.excuse("institution", found.ids([place]), "specialist", why)


def _tiny_village(city: City, found: Institutions, patients: Patients, care: Care) -> None:
    """A village clinic that knows five patients: ratios of tiny numbers swing wildly."""
    rng, place = city.rng("tiny"), found.special("tiny")
    old = np.flatnonzero((patients.age > 60) & (patients.dies == ALIVE) & (patients.district == 0))
    person = np.repeat(rng.choice(old, size=5, replace=False), 9)
    visits = pd.DataFrame({"visit": np.arange(len(person)), "person": person, "institution": place, "condition": 0})
    visits["at"] = moments(rng, len(person), MEDICAL_START, LATER_END)
    visits["doctor"] = pick_doctors(rng, found, visits["institution"].to_numpy(), np.full(len(person), "02"))
    drug = drugs_of(care.drugs, ("C08CA01",))[0]
    lines = pd.DataFrame({"visit": visits["visit"], "drug": drug, "quantity": 56.0, "days": 56.0, "dose": 5.0})
    care.append(visits, lines)
    city.excuse(
        "institution", found.ids([place]), "tiny-village-clinic", "five patients, one drug, eight weeks' supply"
    )


def _slip(city: City, found: Institutions, care: Care) -> None:
    """One line of one patient with three zeros too many, at a health centre that is otherwise like all others."""
    rng = city.rng("slip")
    centres = found.of_kind("hospital", "1")
    accused = {row["entity_id"] for row in city.truth}
    honest = [int(one) for one in centres if found.table["org_id"].iloc[one] not in accused]
    place = honest[int(rng.integers(0, len(honest)))]
    visits = care.visits[(care.visits["institution"] == place) & (care.visits["at"] < HISTORY_END)]
    lines = care.lines[care.lines["visit"].isin(visits["visit"])]
    slipped = rng.integers(0, len(lines))
    at_row, visit = int(lines.index.to_numpy()[slipped]), int(lines["visit"].to_numpy()[slipped])
    care.lines.loc[care.lines.index == at_row, "quantity"] *= 1000
    why = "one line of one patient with the quantity a thousandfold: a slip of the keyboard"
    city.excuse("institution", found.ids([place]), "data-entry-slip", why)
    doctor = int(visits.loc[visits["visit"] == visit, "doctor"].iloc[0])
    city.excuse("practitioner", [str(found.names[doctor])], "data-entry-slip", why)


def _blank_names(city: City, found: Institutions, care: Care) -> None:
    """Hospitals whose system writes a placeholder where a doctor's name belongs: many doctors seem to be one."""
    rng = city.rng("blank names")
    hospitals = found.of_kind("hospital", "1", "2")
    accused = {row["entity_id"] for row in city.truth}
    honest = [int(one) for one in hospitals if found.table["org_id"].iloc[one] not in accused]
    places = rng.choice(honest, size=8, replace=False)
    share = rng.choice([0.3, 0.6, 1.0], size=8)
    for place, part in zip(places, share, strict=True):
        own = (care.visits["institution"] == place) & (rng.random(len(care.visits)) < part)
        care.visits.loc[own, "doctor"] = PLACEHOLDER
    why = "the system writes a placeholder for the doctor; it stands for many people"
    city.excuse("institution", found.ids(places), "blank-doctor-names", why)
    city.excuse("practitioner", [str(found.names[PLACEHOLDER])], "blank-doctor-names", why)


def _long_term(city: City, found: Institutions, patients: Patients, stays: pd.DataFrame) -> pd.DataFrame:
    """A nursing hospital: stays of months, little treatment, but nursed and measured every day."""
    rng, place = city.rng("long term"), found.special("long-term-care")
    old = np.flatnonzero((patients.age > 72) & (patients.dies == ALIVE))
    count = min(90, len(old))
    start = MEDICAL_START + rng.integers(0, 640, count).astype("timedelta64[D]") + np.timedelta64(10, "h")
    kinds = [number for number, row in enumerate(STAYS) if row[0] in ("I63.900", "J44.100")]
    added = pd.DataFrame({"person": rng.choice(old, size=count, replace=False), "institution": place, "at": start})
    added = added.assign(kind=rng.choice(kinds, count), nights=rng.integers(45, 150, count), care=LONG_TERM)
    why = "long-term care: long stays with little treatment and daily nursing"
    city.excuse("institution", found.ids([place]), "long-term-care", why)
    return pd.concat([stays, with_doctors(rng, found, added)], ignore_index=True)
