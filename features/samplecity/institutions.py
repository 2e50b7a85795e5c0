"""Hospitals, clinics and pharmacies of the city, and who practises in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.samplecity import names
from features.samplecity.conditions import SPECIALTIES
from features.samplecity.identifiers import credit_codes
from features.samplecity.plan import DISTRICTS, City, Numbers, Reals, Words

PLACEHOLDER = -1
"""Doctor number of the placeholder that some hospitals enter where a doctor's name belongs."""

_SPECIALISTS = (
    # name, specialty, condition, size: honest places with their own drugs and hardly any peers
    ("云汀安宁精神专科医院", "15", "2", "psychiatric"),
    ("云汀明心肿瘤诊疗中心", "19", "2", "oncology"),
    ("云汀血友病与罕见病诊疗中心", "02", "2", "rare-disease"),
    ("云汀颐年护理院", "02", "1", "long-term-care"),
)


@dataclass
class Institutions:
    """Institutions by number. `table` columns: org_id, name, role, level, ownership, district, weight, special."""

    table: pd.DataFrame
    doctors: pd.DataFrame
    """One row per practitioner: person_id, institution, specialty, weight (how many of its patients see them)."""
    names: Words
    """Prescriber ids by doctor number; ghosts come after the real ones, the placeholder is the last."""

    def of_kind(self, role: str, *levels: str) -> Numbers:
        """Numbers of ordinary institutions of a role and levels (all levels when none is named)."""
        table = self.table
        fits = (table["role"] == role) & (table["special"] == "")
        if levels:
            fits &= table["level"].isin(levels)
        return np.flatnonzero(fits)

    def special(self, what: str) -> int:
        """Number of one special institution."""
        return int(np.flatnonzero(self.table["special"] == what)[0])

    def ids(self, numbers: Numbers | list[int]) -> list[str]:
        """Codes of institutions by number."""
        return [str(one) for one in self.table["org_id"].to_numpy()[numbers]]


def _kind(rng: np.random.Generator, role: str, level: str | None, count: int, base: float) -> pd.DataFrame:
    private = rng.random(count) < {"3": 0.0, "2": 0.25, "1": 0.3}.get(level or "", 1.0)
    district = rng.integers(0, len(DISTRICTS), count)
    weight = base * rng.lognormal(0.0, 0.55, count)
    return pd.DataFrame(
        {"role": role, "level": level, "private": private, "district": district, "weight": weight, "special": ""}
    )


def _named(rng: np.random.Generator, table: pd.DataFrame, make: str, level: int = 0) -> pd.DataFrame:
    districts = [DISTRICTS[number][1] for number in table["district"]]
    if make == "hospital":
        return table.assign(name=names.hospital_names(rng, level, districts, list(table["private"])))
    if make == "village":
        return table.assign(name=names.village_names(districts), private=False)
    maker = names.clinic_names if make == "clinic" else names.pharmacy_names
    return table.assign(name=maker(rng, districts))


def _specials() -> pd.DataFrame:
    rows = [
        {
            "role": "hospital",
            "level": level,
            "private": True,
            "district": 0,
            "weight": 0.0,
            "special": what,
            "name": name,
        }
        for name, _, level, what in _SPECIALISTS
    ]
    return pd.DataFrame(rows)


def add_institutions(city: City) -> Institutions:
    """Found the institutions, staff them, and write their `organization` and `position` rows."""
    rng, size = city.rng("institutions"), city.size
    level3 = _named(rng, _kind(rng, "hospital", "3", size.level3, 70.0), "hospital", 3)
    # The biggest hospital of the city: unusual in size, honest in everything else.
    level3.loc[0, "weight"], level3.loc[0, "special"] = 260.0, "biggest"
    village = _named(rng, _kind(rng, "clinic", "0", size.village_clinics, 0.6), "village")
    village.loc[0, "weight"], village.loc[0, "special"] = 0.0, "tiny"
    village["ownership"] = "collective"
    parts = [
        level3,
        _named(rng, _kind(rng, "hospital", "2", size.level2, 18.0), "hospital", 2),
        _named(rng, _kind(rng, "hospital", "1", size.level1, 6.0), "hospital", 1),
        _named(rng, _kind(rng, "clinic", "0", size.clinics, 2.0), "clinic"),
        village,
        _named(rng, _kind(rng, "pharmacy", None, size.pharmacies, 1.0), "pharmacy"),
        _specials(),
    ]
    table = pd.concat(parts, ignore_index=True)
    table["ownership"] = table["ownership"].fillna(
        pd.Series(np.where(table["private"].astype(bool), "private", "public"))
    )
    regions = [DISTRICTS[number][0] for number in table["district"]]
    taken: set[str] = set()
    classes = np.where(table["private"].astype(bool), "52", "12")
    table["org_id"] = [
        credit_codes(rng, str(kind), [region], taken)[0] for kind, region in zip(classes, regions, strict=True)
    ]
    found = Institutions(table, pd.DataFrame(), np.array([], object))
    _staff(city, found)
    _write(city, found, rng)
    return found


def _staff(city: City, found: Institutions) -> None:
    """Give every institution its doctors; big hospitals have every specialty, a village clinic one general doctor."""
    rng, table = city.rng("staff"), found.table
    treats = (table["role"] != "pharmacy").to_numpy()
    share = np.where(treats, np.sqrt(table["weight"].to_numpy(float) + 0.3), 0.0)
    share[table["special"].isin(["psychiatric", "oncology", "rare-disease", "long-term-care"]).to_numpy()] = 3.0
    spare = city.size.practitioners - int(treats.sum())
    heads = np.where(treats, 1 + np.floor(spare * share / share.sum()), 0).astype(int)
    place = np.repeat(np.arange(len(table)), heads)
    level = table["level"].to_numpy(object)[place]
    general = (level == "0") | ((level == "1") & (rng.random(len(place)) < 0.5))
    specialty = np.where(general, "02", rng.choice(np.array(SPECIALTIES), len(place)))
    for name, own, _, _what in _SPECIALISTS:
        number = int(np.flatnonzero(table["name"] == name)[0])
        specialty[place == number] = own
    doctors = pd.DataFrame({"institution": place, "specialty": specialty, "weight": rng.pareto(2.5, len(place)) + 0.4})
    doctors["person_id"] = city.pseudonyms("doctor", len(doctors))
    found.doctors = doctors
    ghosts = city.pseudonyms("ghost", 8)
    unknown = np.array([_placeholder()], object)
    found.names = np.concatenate([doctors["person_id"].to_numpy(object), ghosts, unknown])


def _placeholder() -> str:
    # The same at every hospital and for every city: what a source system makes of a doctor called "unknown".
    return hashlib.sha256("未知".encode()).hexdigest()


def _write(city: City, found: Institutions, rng: np.random.Generator) -> None:
    table, doctors = found.table, found.doctors
    count = len(table)
    founded = np.datetime64("1985-01-01") + rng.integers(0, 13_000, count).astype("timedelta64[D]")
    headcount = np.bincount(doctors["institution"], minlength=count) * rng.uniform(2.0, 3.5, count)
    city.tables["organization"] = pd.DataFrame(
        {
            "org_id": table["org_id"],
            "name": table["name"],
            "roles": [[role] for role in table["role"]],
            "level": table["level"],
            "ownership": table["ownership"],
            "industry_code": np.where(table["role"] == "pharmacy", "F5251", "Q8411"),
            "region_code": [DISTRICTS[number][0] for number in table["district"]],
            "founded_on": founded,
            "insured_headcount": headcount.round(),
        }
    )
    hired = np.datetime64("2012-01-01") + rng.integers(0, 4300, len(doctors)).astype("timedelta64[D]")
    city.tables["position"] = pd.DataFrame(
        {
            "position_id": [f"P{number:06d}" for number in range(len(doctors))],
            "person_id": doctors["person_id"],
            "org_id": table["org_id"].to_numpy()[doctors["institution"]],
            "role": "doctor",
            "is_public_official": False,
            "specialty_code": doctors["specialty"],
            "licence_no": [f"1100{number:08d}" for number in rng.integers(0, 10**8, len(doctors))],
            "valid_from": hired,
        }
    )


def doctor_picker(found: Institutions) -> tuple[Numbers, Numbers, Numbers, Reals]:
    """Doctors in order of institution, with where each institution's block starts, its length, and running weights."""
    order = np.argsort(found.doctors["institution"].to_numpy(), kind="stable")
    place = found.doctors["institution"].to_numpy()[order]
    count = np.bincount(place, minlength=len(found.table))
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    return order, start, count, found.doctors["weight"].to_numpy(float)[order]
