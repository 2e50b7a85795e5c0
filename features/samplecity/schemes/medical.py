"""Planted medical schemes: doses far above the norm, ghost prescribers, sham stays, and claims for the dead."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.conditions import CONDITIONS, STAYS
from features.samplecity.drugs import drugs_of
from features.samplecity.institutions import Institutions
from features.samplecity.people import ALIVE, Patients
from features.samplecity.plan import HISTORY_END, LATER_END, City, Mask, Numbers, iso_day, moments
from features.samplecity.prescribing import Care, pick_doctors, whole_units
from features.samplecity.stays import SHAM, with_doctors, without_overlaps

DAY = np.timedelta64(1, "D")
_TIMES_NORM = (26.0, 46.0)
"""How many times the peers' median per patient the planted institutions prescribe."""


def plant_medical(city: City, found: Institutions, patients: Patients, care: Care, stays: pd.DataFrame) -> pd.DataFrame:
    """Plant all medical schemes; visits and lines go into `care`, the stays come back with the sham ones added."""
    rng = city.rng("medical schemes")
    level1, level2 = found.of_kind("hospital", "1"), found.of_kind("hospital", "2")
    clinics = np.flatnonzero((found.table["role"] == "clinic") & (found.table["ownership"] == "private"))
    level1, level2, clinics = (rng.permutation(one) for one in (level1, level2, clinics))
    over = np.concatenate([level2[:2], level1[:2], clinics[:2]])
    over_prescribing(city, found, patients, care, over)
    ghost_prescribers(city, found, patients, care, np.concatenate([level1[2:3], clinics[2:4]]))
    dead_claims(city, found, patients, care, np.concatenate([level1[3:4], clinics[4:7]]))
    return sham_stays(city, found, patients, stays, np.concatenate([level2[2:4], level1[4:7]]))


def _common(care: Care) -> list[int]:
    """The eight drugs that most institutions give to ten patients or more: there are peers to be compared with."""
    # Antibiotics and creams aside: nobody is given those month after month.
    short = set(drugs_of(care.drugs, ("J01", "D")))
    lines = care.lines[~care.lines["drug"].isin(short)].merge(care.visits, on="visit")
    people = lines.groupby(["drug", "institution"])["person"].nunique()
    places = (people >= 10).groupby("drug").sum().sort_values(ascending=False, kind="stable")
    return [int(drug) for drug in places.index[:8]]


def _norm(care: Care, drug: int, place: int) -> float:
    """Median over the other institutions of units per patient of one drug."""
    lines = care.lines[care.lines["drug"] == drug].merge(care.visits, on="visit")
    sums = (
        lines[lines["institution"] != place]
        .groupby("institution")
        .agg(quantity=("quantity", "sum"), people=("person", "nunique"))
    )
    return float((sums["quantity"] / sums["people"])[sums["people"] >= 3].median())


def over_prescribing(city: City, found: Institutions, patients: Patients, care: Care, places: Numbers) -> None:
    """Two drugs at each place, to some fifty patients a month for over a year, at many times what others get."""
    rng = city.rng("over-prescribing")
    favourites = rng.permutation(_common(care))
    scale = 1 if len(patients.ids) > 10_000 else 2
    norms = {int(drug): _norm(care, int(drug), -1) for drug in favourites}
    for number, place in enumerate(places):
        pair = [int(favourites[(2 * number + step) % len(favourites)]) for step in (0, 1)]
        people = _regulars(rng, patients, care, int(place), int(rng.integers(36, 56)) // scale)
        start = np.datetime64("2025-01-10T00:00:00") + int(rng.integers(0, 60)) * DAY
        visits = _monthly(rng, people, int(place), start, 30)
        own = np.flatnonzero(found.doctors["institution"] == place)
        willing = rng.choice(own, size=min(len(own), 3), replace=False)
        visits["doctor"] = willing[rng.integers(0, len(willing), len(visits))]
        visits["condition"] = _condition_of(care, pair[0])
        frames = []
        for drug in pair:
            times = float(rng.uniform(*_TIMES_NORM))
            frames.append(_heavy_lines(rng, care, visits, drug, times * norms[drug], len(people), int(place)))
        care.append(visits, pd.concat(frames, ignore_index=True))
        spell = (iso_day(start), "")
        names = ", ".join(care.drugs["name"].iloc[pair])
        city.plant(
            "institution", found.ids([int(place)]), "over-prescribing", f"over 20 times the norm: {names}", spell
        )
        city.plant("practitioner", found.names[willing], "over-prescribing", f"prescribes for it: {names}", spell)


def _regulars(rng: np.random.Generator, patients: Patients, care: Care, place: int, count: int) -> Numbers:
    """Living patients of a place, filled up from its district."""
    own = care.visits.loc[care.visits["institution"] == place, "person"].unique()
    district = np.flatnonzero((patients.nearby == place) | (patients.hospital == place) | (patients.age > 30))
    pool = np.concatenate([rng.permutation(own), rng.permutation(district)])
    pool = pool[(patients.dies[pool] == ALIVE) & (patients.age[pool] > 30)]
    return np.asarray(pd.unique(pd.Series(pool))[:count], dtype=np.int64)


def _monthly(rng: np.random.Generator, people: Numbers, place: int, start: np.datetime64, gap: int) -> pd.DataFrame:
    """One visit a month each, from a start to the end of the second wave."""
    months = int((LATER_END - start) / DAY) // gap
    person = np.repeat(people, months)
    step = np.tile(np.arange(months), len(people)) * gap + rng.integers(0, 12, len(person))
    at = start + step.astype("timedelta64[D]") + rng.integers(8 * 3600, 17 * 3600, len(person)).astype("timedelta64[s]")
    frame = pd.DataFrame({"visit": np.arange(len(person)), "person": person, "institution": place, "at": at})
    inside: Mask = np.asarray(at <= LATER_END)
    return frame.loc[inside].reset_index(drop=True)


def _heavy_lines(
    rng: np.random.Generator, care: Care, visits: pd.DataFrame, drug: int, mean: float, people: int, place: int
) -> pd.DataFrame:
    """One line a visit, so large that the place's mean per patient comes to `mean`, honest patients included."""
    honest = care.lines[care.lines["drug"] == drug].merge(care.visits, on="visit")
    others = honest.loc[honest["institution"] == place, "person"].nunique()
    past = int((visits["at"] <= HISTORY_END).sum())
    each = mean * (people + others) / past
    quantity = np.ceil(each * rng.uniform(0.85, 1.2, len(visits)))
    strength = float(care.drugs["strength"].iloc[drug])
    return pd.DataFrame(
        {"visit": visits["visit"], "drug": drug, "quantity": quantity, "days": 28.0, "dose": quantity * strength / 28}
    )


def _condition_of(care: Care, drug: int) -> int:
    code = str(care.drugs["class_code"].iloc[drug])
    return next(number for number, one in enumerate(CONDITIONS) if code.startswith(one.drugs))


def ghost_prescribers(city: City, found: Institutions, patients: Patients, care: Care, places: Numbers) -> None:
    """Eight doctors who hold no post anywhere sign the same costly basket for a shared circle of patients."""
    rng = city.rng("ghosts")
    first = len(found.doctors)
    ghosts = np.arange(first, first + 8)
    basket = [drugs_of(care.drugs, (atc,))[0] for atc in ("A10BK01", "B01AF01", "R03AK07", "C09DX04")]
    start = np.datetime64("2025-04-01T00:00:00")
    circle = rng.choice(np.flatnonzero(patients.dies == ALIVE), size=130, replace=False)
    each = 170 if len(patients.ids) > 10_000 else 70
    count = 8 * each
    person = circle[rng.integers(0, len(circle), count)]
    visits = pd.DataFrame(
        {
            "visit": np.arange(count),
            "person": person,
            "institution": places[rng.integers(0, len(places), count)],
            "doctor": np.tile(ghosts, each),
            "condition": _condition_of(care, basket[0]),
            "at": moments(rng, count, start, LATER_END) + rng.integers(0, 6 * 3600, count).astype("timedelta64[s]"),
        }
    )
    drug = np.tile(basket, count)
    table = care.drugs.iloc[drug]
    dose = table["ddd"].to_numpy()
    quantity = whole_units(dose, np.full(len(drug), 28.0), table["strength"].to_numpy())
    lines = pd.DataFrame({"visit": np.repeat(np.arange(count), 4), "drug": drug, "quantity": quantity})
    care.append(visits, lines.assign(days=28.0, dose=dose))
    spell = (iso_day(start), "")
    city.plant("practitioner", found.names[ghosts], "identity-misuse", "no post anywhere, one basket for all", spell)
    city.plant("institution", found.ids(places), "identity-misuse", "bills under doctors who hold no post", spell)


def dead_claims(city: City, found: Institutions, patients: Patients, care: Care, places: Numbers) -> None:
    """Prescriptions settled on the cards of people weeks and months after they died."""
    rng = city.rng("dead")
    start = np.datetime64("2025-06-01T00:00:00")
    gone = np.flatnonzero((patients.dies > start) & (patients.dies < HISTORY_END - 120 * DAY))
    for place in places:
        people = rng.choice(gone, size=min(len(gone), 12), replace=False)
        person = np.repeat(people, 4)
        after = rng.integers(8, 150, len(person)) * DAY + rng.integers(0, 36_000, len(person)).astype("timedelta64[s]")
        at = patients.dies[person].astype("datetime64[D]").astype("datetime64[s]") + after + np.timedelta64(8, "h")
        visits = pd.DataFrame({"person": person, "institution": int(place), "at": at, "condition": 0})
        visits = visits[at <= LATER_END].reset_index(drop=True)
        visits.insert(0, "visit", np.arange(len(visits)))
        visits["doctor"] = pick_doctors(rng, found, visits["institution"].to_numpy(), np.full(len(visits), "03.04"))
        drug = np.array(drugs_of(care.drugs, ("C08CA", "C09CA", "C10A")))
        drug = drug[rng.integers(0, len(drug), len(visits))]
        table = care.drugs.iloc[drug]
        quantity = whole_units(table["ddd"].to_numpy(), np.full(len(drug), 28.0), table["strength"].to_numpy())
        lines = pd.DataFrame({"visit": visits["visit"], "drug": drug, "quantity": quantity, "days": 28.0})
        care.append(visits, lines.assign(dose=table["ddd"].to_numpy()))
    city.plant(
        "institution", found.ids(places), "identity-misuse", "settles on dead people's cards", (iso_day(start), "")
    )


def sham_stays(
    city: City, found: Institutions, patients: Patients, stays: pd.DataFrame, places: Numbers
) -> pd.DataFrame:
    """Beds that hang empty: related people admitted together, nothing done for them, back again a fortnight later."""
    rng = city.rng("sham stays")
    start = np.datetime64("2025-02-01T00:00:00")
    mild = [number for number, row in enumerate(STAYS) if row[0] in ("K29.700", "M51.200", "J44.100", "E11.700")]
    batches = 18 if len(patients.ids) > 10_000 else 7
    frames = []
    for place in places:
        street = rng.choice(np.unique(patients.household), size=40, replace=False)
        circle = np.flatnonzero(np.isin(patients.household, street) & (patients.dies == ALIVE) & (patients.age > 30))
        for day in rng.choice(480, size=batches, replace=False):
            households = rng.choice(np.unique(patients.household[circle]), size=5, replace=False)
            people = circle[np.isin(patients.household[circle], households)]
            hours = rng.integers(0, 20 * 3600, len(people)).astype("timedelta64[s]")
            at = start + int(day) * DAY + np.timedelta64(8, "h") + hours
            for again in (0, int(rng.integers(9, 13)) + 7):
                batch = pd.DataFrame({"person": people, "institution": int(place), "at": at + again * DAY})
                frames.append(batch.assign(kind=rng.choice(mild, len(people)), nights=rng.integers(5, 9, len(people))))
    sham = pd.concat(frames, ignore_index=True).assign(care=SHAM)
    sham = without_overlaps(sham[sham["at"] <= LATER_END])
    sham = with_doctors(rng, found, sham)
    for place in places:
        own = sham["institution"] == place
        # Two doctors sign for all of them.
        sham.loc[own, "doctor"] = rng.choice(sham.loc[own, "doctor"].unique()[:2], int(own.sum()))
        city.plant(
            "practitioner",
            found.names[sham.loc[own, "doctor"].unique()],
            "sham-admission",
            "attends sham stays",
            (iso_day(start), ""),
        )
    city.plant(
        "institution", found.ids(places), "sham-admission", "stays without care, in batches", (iso_day(start), "")
    )
    return pd.concat([stays, sham], ignore_index=True)
