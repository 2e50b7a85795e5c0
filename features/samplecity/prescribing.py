"""Out-patient visits and what is prescribed at them: seasons, specialties, formularies, and honest differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.samplecity.conditions import CONDITIONS
from features.samplecity.drugs import drugs_of
from features.samplecity.institutions import PLACEHOLDER, Institutions, doctor_picker
from features.samplecity.people import Patients
from features.samplecity.plan import LATER_END, MEDICAL_START, City, Numbers, Reals, Times, moments


@dataclass
class Care:
    """Visits and lines in the making; later parts append to both before they are written.

    `visits`: visit, person, institution, doctor, condition, at. `lines`: visit, drug, quantity, days, dose.
    """

    visits: pd.DataFrame
    lines: pd.DataFrame
    drugs: pd.DataFrame

    def append(self, visits: pd.DataFrame, lines: pd.DataFrame) -> None:
        """Add visits numbered from 0 and their lines."""
        shift = int(self.visits["visit"].max()) + 1
        moved = (visits.assign(visit=visits["visit"] + shift), lines.assign(visit=lines["visit"] + shift))
        self.visits = pd.concat([self.visits, moved[0]], ignore_index=True)
        self.lines = pd.concat([self.lines, moved[1]], ignore_index=True)


def honest_care(city: City, found: Institutions, patients: Patients, drugs: pd.DataFrame) -> Care:
    """Everything that honest people do at honest institutions."""
    rng = city.rng("visits")
    count = city.size.visits
    person = rng.choice(len(patients.ids), size=count, p=patients.rate / patients.rate.sum())
    at = moments(rng, count, MEDICAL_START, LATER_END)
    condition = _conditions(rng, patients, person, at)
    place = _places(rng, found, patients, person, condition)
    alive = at < patients.dies[person]
    visits = pd.DataFrame({"person": person, "institution": place, "condition": condition, "at": at})[alive]
    visits = visits.sort_values("at", kind="stable", ignore_index=True)
    visits.insert(0, "visit", np.arange(len(visits)))
    specialty = np.array([one.specialty for one in CONDITIONS])[visits["condition"]]
    visits["doctor"] = pick_doctors(rng, found, visits["institution"].to_numpy(), specialty)
    lines = _lines(city, found, visits, drugs)
    return Care(visits, lines, drugs)


def _conditions(rng: np.random.Generator, patients: Patients, person: Numbers, at: Times) -> Numbers:
    chronic = patients.chronic[person]
    own = np.where((chronic[:, 1] >= 0) & (rng.random(len(person)) < 0.35), chronic[:, 1], chronic[:, 0])
    acute = np.array([number for number, one in enumerate(CONDITIONS) if not one.chronic])
    month = at.astype("datetime64[M]").astype(int) % 12 + 1
    age, male = patients.age[person], patients.male[person]
    weight = np.zeros((len(acute), len(person)))
    for row, number in enumerate(acute):
        one = CONDITIONS[number]
        season = 1.0 + (0.8 * np.cos((month - one.peak) / 12 * 2 * np.pi) if one.peak else 0.0)
        fits = (age >= one.ages[0]) & (age <= one.ages[1]) & ((one.sex == "") | (male == (one.sex == "M")))
        weight[row] = one.weight * season * fits
    running = weight.cumsum(axis=0)
    point = rng.random(len(person)) * running[-1]
    picked = acute[(running < point).sum(axis=0).clip(0, len(acute) - 1)]
    return np.where((own >= 0) & (rng.random(len(person)) < 0.72), own, picked)


def _places(
    rng: np.random.Generator, found: Institutions, patients: Patients, person: Numbers, condition: Numbers
) -> Numbers:
    """Two in five go round the corner, as many to their hospital, the rest anywhere by size."""
    ordinary = np.concatenate([found.of_kind("hospital"), found.of_kind("clinic")])
    weight = found.table["weight"].to_numpy(float)[ordinary]
    anywhere = ordinary[rng.choice(len(ordinary), size=len(person), p=weight / weight.sum())]
    draw = rng.random(len(person))
    place = np.where(draw < 0.42, patients.nearby[person], np.where(draw < 0.82, patients.hospital[person], anywhere))
    needs = np.array([one.level for one in CONDITIONS])[condition]
    level = pd.to_numeric(found.table["level"], errors="coerce").fillna(-1).to_numpy(int)
    place = np.where(level[place] < needs, patients.hospital[person], place)
    # What a level-2 hospital does not treat goes to the biggest one.
    return np.where(level[place] < needs, found.special("biggest"), place)


def pick_doctors(
    rng: np.random.Generator, found: Institutions, place: Numbers, specialty: np.typing.NDArray[np.str_]
) -> Numbers:
    """A doctor of the institution for each visit, of the right specialty where it has one; a few see very many."""
    order, start, count, weight = doctor_picker(found)
    own = found.doctors["specialty"].to_numpy(str)[order]
    best = np.full(len(place), -1.0)
    chosen = np.full(len(place), PLACEHOLDER)
    for _ in range(8):
        # Eight candidates each: the right specialty counts most, then how sought-after the doctor is.
        candidate = start[place] + (rng.random(len(place)) * count[place]).astype(int)
        worth = weight[candidate] * rng.random(len(place)) + 100.0 * (own[candidate] == specialty)
        better = worth > best
        chosen, best = np.where(better, order[candidate], chosen), np.maximum(worth, best)
    return chosen


def _lines(city: City, found: Institutions, visits: pd.DataFrame, drugs: pd.DataFrame) -> pd.DataFrame:
    """Prescribed lines: which drugs a place keeps, how many days it gives, and how strong the dose is."""
    rng = city.rng("lines")
    many = 1 + rng.poisson(1.4, len(visits)).clip(0, 4)
    visit = np.repeat(np.arange(len(visits)), many)
    condition = visits["condition"].to_numpy()[visit]
    place = visits["institution"].to_numpy()[visit]
    lists = [np.array(drugs_of(drugs, one.drugs)) for one in CONDITIONS]
    width = max(len(one) for one in lists)
    table = np.array([np.resize(one, width) for one in lists])
    length = np.array([len(one) for one in lists])[condition]
    # A place has its own formulary: the same illness starts from another end of the list there.
    shift = rng.integers(0, 97, (len(found.table), len(CONDITIONS)))[place, condition]
    number = ((rng.random(len(visit)) ** 1.7 * length).astype(int) + shift) % length
    frame = pd.DataFrame({"visit": visits["visit"].to_numpy()[visit], "drug": table[condition, number]})
    frame = frame.assign(place=place, condition=condition, person=visits["person"].to_numpy()[visit])
    frame = frame[~frame.duplicated(["visit", "drug"])].reset_index(drop=True)
    return _amounts(rng, found, frame, drugs)


def _amounts(rng: np.random.Generator, found: Institutions, frame: pd.DataFrame, drugs: pd.DataFrame) -> pd.DataFrame:
    count, chronic = len(frame), np.array([one.chronic for one in CONDITIONS])[frame["condition"]]
    days = np.where(
        chronic, rng.choice([7, 14, 28, 28, 30, 56, 84], count), rng.choice([3, 3, 5, 5, 7, 7, 10], count)
    ).astype(float)
    # Honest institutions differ by half and more in how long they prescribe, for one drug and overall.
    habit = rng.lognormal(0.0, 0.30, len(found.table))[frame["place"]]
    taste = rng.lognormal(0.0, 0.35, (len(found.table), len(drugs)))[frame["place"], frame["drug"]]
    drug = drugs.iloc[frame["drug"]]
    days = np.minimum(np.maximum(1, np.round(days * np.sqrt(habit * taste))), drug["max_days_per_rx"].to_numpy())
    dose = drug["ddd"].to_numpy() * rng.choice([0.5, 0.75, 1.0, 1.0, 1.0, 1.5, 2.0], count)
    dose = np.minimum(dose, drug["max_daily_dose"].to_numpy())
    quantity = whole_units(dose, days, drug["strength"].to_numpy())
    return pd.DataFrame(
        {"visit": frame["visit"], "drug": frame["drug"], "quantity": quantity, "days": days, "dose": dose}
    )


def whole_units(dose: Reals, days: Reals, strength: Reals) -> Reals:
    """Whole base units that cover a dose for so many days, at least one."""
    return np.maximum(1.0, np.ceil(np.round(dose * days / strength, 6)))
