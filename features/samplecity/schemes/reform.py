"""A city in which the world changes: a new drug list comes into force, and with it a scheme that was never seen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.plan import HISTORY_END, LATER_END, City, iso_day

PACK = 3.0
"""The new list has packs that hold so many times as much, and all are prescribed by the pack."""
SELLERS = 22
"""Doctors who sell slips at night once the new packs are worth it."""
SLIPS = (45, 75)
"""Slips that each of them sells within the quarter, each to somebody else."""
DAY = np.timedelta64(1, "D")


def reform(city: City) -> None:
    """Change the prescriptions of the second wave, those of the first stay as they are to the byte.

    What others tell about the same visits (claims, dispensings) does not change: it is settled by the pack.
    """
    rows = city.tables["prescription"]
    since = rows["prescribed_at"] > HISTORY_END
    amounts = {name: rows[name].where(~since, rows[name] * PACK) for name in ("quantity", "daily_dose")}
    city.tables["prescription"] = pd.concat([rows.assign(**amounts), _slips(city, rows)], ignore_index=True)


def _slips(city: City, rows: pd.DataFrame) -> pd.DataFrame:
    """Slips for one drug each, sold between ten at night and five in the morning to people who never come twice."""
    rng = city.rng("slips at night")
    told = {row["entity_id"] for row in (*city.truth, *city.lookalikes)}
    year = rows[rows["prescribed_at"] > HISTORY_END - 365 * DAY]
    lines = year.groupby("prescriber_id").size()
    able = sorted(set(lines[(lines >= 25) & (lines <= 120)].index) - told)
    sellers = rng.choice(np.array(able, object), size=min(SELLERS, len(able)), replace=False)
    usual = year.groupby("prescriber_id")["institution_id"].agg(lambda ids: ids.mode().iloc[0])
    ordinary = year[(year["prescribed_at"] > HISTORY_END) & (year["rx_line"] == 1)]
    ordinary = ordinary[~ordinary["prescriber_id"].isin(told)]
    people = np.array(sorted(set(year["person_id"])), object)
    parts = []
    for seller in sellers:
        count = int(rng.integers(*SLIPS))
        part = ordinary.iloc[rng.integers(0, len(ordinary), count)].copy()
        nights = (LATER_END - HISTORY_END) // DAY - 4
        at = HISTORY_END.astype("datetime64[D]") + rng.integers(3, nights, count).astype("timedelta64[D]")
        after_ten = rng.integers(0, 7 * 3600, count).astype("timedelta64[s]")
        part["prescribed_at"] = at.astype("datetime64[s]") + np.timedelta64(22, "h") + after_ten
        part["person_id"] = rng.choice(people, size=count, replace=False)
        part["prescriber_id"], part["institution_id"] = seller, usual[seller]
        parts.append(part)
    slips = pd.concat(parts, ignore_index=True)
    slips["rx_id"] = [f"CFN{number:08d}" for number in range(len(slips))]
    slips[["quantity", "daily_dose"]] *= PACK
    slips["claim_id"] = None
    spell = (iso_day(HISTORY_END + 3 * DAY), "")
    city.plant("practitioner", sellers, "identity-misuse", "sells slips at night, to whoever asks", spell)
    return slips
