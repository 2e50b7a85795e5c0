"""The plan of a city: its sizes, its dates, and the sheet that collects tables, planted schemes and look-alikes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gnomon.errors import Misuse

Times = npt.NDArray[np.datetime64]
Numbers = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Words = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]

MEDICAL_START = np.datetime64("2024-07-01T00:00:00")
TENDER_START = np.datetime64("2016-07-01T00:00:00")
HISTORY_END = np.datetime64("2026-06-30T23:59:59")
"""Last moment of the first wave: what is known when the city is scored for the first time."""
LATER_END = np.datetime64("2026-09-30T23:59:59")
"""Last moment of the second wave, one quarter on."""

DISTRICTS = (("990102", "东洲区"), ("990103", "南浦区"), ("990104", "西桥区"), ("990105", "北岭区"))
"""Invented districts; GB/T 2260 has no region 99, so nobody takes them for real ones."""
CITY = "云汀市"
CITY_REGION = "990100"


@dataclass(frozen=True, slots=True)
class Size:
    """How large a city is. Institutions are listed by kind; rates are over the whole two years and a quarter."""

    level3: int
    level2: int
    level1: int
    clinics: int
    village_clinics: int
    pharmacies: int
    practitioners: int
    patients: int
    drugs: int
    visits: int
    pharmacy_visits: int
    stays: int
    buyers: int
    suppliers: int
    tenders: int


SIZES = {
    "default": Size(8, 24, 40, 60, 58, 50, 1800, 20_000, 120, 66_000, 7_000, 11_600, 50, 350, 3_500),
    "small": Size(5, 14, 24, 30, 22, 15, 420, 4_000, 120, 12_000, 1_300, 1_900, 20, 130, 900),
}


@dataclass
class City:
    """A city in the making. Every part draws from its own stream, so that one part's change leaves the others alone."""

    seed: int
    size: Size
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    truth: list[dict[str, Any]] = field(default_factory=list)
    lookalikes: list[dict[str, Any]] = field(default_factory=list)

    def rng(self, part: str) -> np.random.Generator:
        """The stream of random numbers of one part."""
        return np.random.default_rng([self.seed, zlib.crc32(part.encode())])

    def pseudonyms(self, kind: str, count: int) -> Words:
        """`count` person hashes (64 hex digits), the same for the same seed."""
        return np.array(
            [hashlib.sha256(f"{self.seed}|{kind}|{number}".encode()).hexdigest() for number in range(count)], object
        )

    def plant(self, kind: str, ids: Iterable[str], scheme: str, note: str, spell: tuple[str, str] = ("", "")) -> None:
        """Write down a scheme that was planted."""
        row = {"entity_kind": kind, "scheme": scheme, "from": spell[0], "to": spell[1], "note": note}
        self.truth += [{**row, "entity_id": one} for one in ids]

    def excuse(self, kind: str, ids: Iterable[str], likeness: str, why: str) -> None:
        """Write down honest ones that look like a scheme."""
        self.lookalikes += [{"entity_kind": kind, "entity_id": one, "kind": likeness, "why": why} for one in ids]


def city_of(seed: int, size: str) -> City:
    """An empty city of a named size."""
    if size not in SIZES:
        raise Misuse("features.city.size", place=size, known=", ".join(SIZES))
    return City(seed, SIZES[size])


def moments(rng: np.random.Generator, count: int, start: np.datetime64, end: np.datetime64) -> Times:
    """Working-hours moments between two dates: fewer at weekends and in the Spring Festival month, busy mornings."""
    days = np.arange(start.astype("datetime64[D]"), end.astype("datetime64[D]") + 1)
    weekday = (days.astype(int) + 3) % 7
    month = days.astype("datetime64[M]").astype(int) % 12
    weight = np.where(weekday >= 5, 0.45, 1.0) * np.where(month == 1, 0.75, 1.0)
    day = days[rng.choice(len(days), size=count, p=weight / weight.sum())]
    morning = rng.random(count) < 0.62
    hour = np.where(morning, rng.normal(9.8, 1.0, count), rng.normal(15.4, 1.2, count)).clip(7.5, 21.5)
    found: Times = day.astype("datetime64[s]") + (hour * 3600).astype("timedelta64[s]")
    return found


def or_null(keep: Mask, values: Any) -> Words:
    """The values as objects, None where they are not kept."""
    told: Words = np.full(len(keep), None, object)
    told[keep] = np.broadcast_to(np.asarray(values, object), len(keep))[keep]
    return told


def iso_day(moment: np.datetime64) -> str:
    """`2026-06-30` of a moment."""
    return str(moment.astype("datetime64[D]"))
