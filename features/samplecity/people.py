"""Patients of the city: age, household, chronic illnesses, where they usually go, and when some of them die."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.samplecity.conditions import CONDITIONS
from features.samplecity.institutions import Institutions
from features.samplecity.plan import (
    DISTRICTS,
    HISTORY_END,
    MEDICAL_START,
    City,
    Mask,
    Numbers,
    Reals,
    Times,
    Words,
)

ALIVE = np.datetime64("2099-01-01T00:00:00")


@dataclass
class Patients:
    """Patients by number."""

    ids: Words
    age: Numbers
    male: Mask
    district: Numbers
    household: Numbers
    rate: Reals
    """How often a patient falls ill, relative to the others."""
    chronic: Numbers
    """Number of the chronic condition, -1 for none; two columns."""
    nearby: Numbers
    """The clinic or health centre round the corner."""
    hospital: Numbers
    """The hospital of choice."""
    dies: Times


def _pick(rng: np.random.Generator, found: Institutions, numbers: Numbers, district: Numbers) -> Numbers:
    """One institution a patient, by size, four in five in the patient's own district."""
    weight = found.table["weight"].to_numpy(float)[numbers]
    place = found.table["district"].to_numpy()[numbers]
    anywhere = numbers[rng.choice(len(numbers), size=len(district), p=weight / weight.sum())]
    own = anywhere.copy()
    for one in range(len(DISTRICTS)):
        here, there = numbers[place == one], district == one
        if len(here):
            share = weight[place == one]
            own[there] = here[rng.choice(len(here), size=int(there.sum()), p=share / share.sum())]
    return np.where(rng.random(len(district)) < 0.8, own, anywhere)


def _chronic(rng: np.random.Generator, age: Numbers, male: Mask) -> Numbers:
    """Up to two chronic conditions each, more with age."""
    found = np.full((len(age), 2), -1)
    ill = 1 / (1 + np.exp(-(age - 62) / 11))
    for place in (0, 1):
        numbers = [number for number, one in enumerate(CONDITIONS) if one.chronic]
        fits = np.array(
            [
                (age >= CONDITIONS[number].ages[0])
                & (age <= CONDITIONS[number].ages[1])
                & ((CONDITIONS[number].sex == "") | (male == (CONDITIONS[number].sex == "M")))
                for number in numbers
            ]
        )
        weight = np.array([CONDITIONS[number].weight for number in numbers])[:, None] * fits
        total = weight.sum(axis=0)
        point = rng.random(len(age)) * total
        picked = np.array(numbers)[(weight.cumsum(axis=0) < point).sum(axis=0).clip(0, len(numbers) - 1)]
        has = (rng.random(len(age)) < ill * (0.95 if place == 0 else 0.5)) & (total > 0)
        found[:, place] = np.where(has, picked, -1)
    return found


def add_patients(city: City, found: Institutions) -> Patients:
    """People of the city and their `person` rows."""
    rng, count = city.rng("patients"), city.size.patients
    household = np.repeat(np.arange(count), rng.integers(1, 6, count))[:count]
    young = rng.random(count) < 0.22
    age = np.where(young, rng.integers(0, 22, count), rng.normal(52, 17, count).clip(18, 99)).astype(int)
    male = rng.random(count) < 0.49
    district = rng.choice(len(DISTRICTS), size=household.max() + 1, p=(0.34, 0.28, 0.22, 0.16))[household]
    near = np.concatenate([found.of_kind("clinic"), found.of_kind("hospital", "1")])
    big = np.concatenate([found.of_kind("hospital", "2", "3"), [found.special("biggest")]])
    length = int((HISTORY_END - MEDICAL_START).astype(int))
    dying = rng.random(count) < 0.004 + 0.05 * np.maximum(0, (age - 55) / 40) ** 2
    dies = MEDICAL_START + rng.integers(0, length, count).astype("timedelta64[s]")
    patients = Patients(
        ids=city.pseudonyms("patient", count),
        age=age,
        male=male,
        district=district,
        household=household,
        rate=rng.gamma(1.1, 1.0, count) * (0.5 + age / 70),
        chronic=_chronic(rng, age, male),
        nearby=_pick(rng, found, near, district),
        hospital=_pick(rng, found, big, district),
        dies=np.where(dying, dies, ALIVE),
    )
    _write(city, patients, rng)
    return patients


def _write(city: City, patients: Patients, rng: np.random.Generator) -> None:
    count = len(patients.ids)
    born = np.datetime64("2025-07-01") - (patients.age * 365.25 + rng.integers(0, 365, count)).astype("timedelta64[D]")
    died = np.where(patients.dies < ALIVE, patients.dies, np.datetime64("NaT")).astype("datetime64[D]")
    lag = rng.integers(3, 40, count).astype("timedelta64[D]")
    households = city.pseudonyms("household", int(patients.household.max()) + 1)
    frame = pd.DataFrame(
        {
            "person_id": patients.ids,
            "sex": np.where(patients.male, "M", "F").astype(object),
            "birth_date": born,
            "death_date": died,
            "death_registered_on": died + lag,
            "region_code": np.array([code for code, _ in DISTRICTS], object)[patients.district],
            "household_id": households[patients.household],
        }
    )
    frame.loc[rng.random(count) < 0.01, "sex"] = "U"
    frame.loc[rng.random(count) < 0.02, "household_id"] = None
    doctors = pd.DataFrame({"person_id": city.tables["position"]["person_id"].unique()})
    doctors["sex"] = np.where(rng.random(len(doctors)) < 0.5, "M", "F")
    doctors["birth_date"] = np.datetime64("1985-01-01") - rng.integers(-3650, 7300, len(doctors)).astype(
        "timedelta64[D]"
    )
    city.tables["person"] = pd.concat([frame, doctors], ignore_index=True)
    phones = np.flatnonzero(rng.random(count) < 0.25)
    city.tables["contact_point"] = pd.DataFrame(
        {
            "party_id": patients.ids[phones],
            "kind": "phone",
            "value_norm": [f"199{number:08d}" for number in 10_000_000 + patients.household[phones]],
            "valid_from": np.datetime64("2020-01-01"),
        }
    )
