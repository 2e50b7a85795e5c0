"""The peer of the feature benchmark in pandas: the same profile columns, vectorised.

Identifiers are category codes, which pandas groups by several times as fast as by text; `coded=False` leaves them the
text that they are read as, which is how pandas is mostly written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

NOBODY = r"(?i)^\s*(?:0*|1+|9+|x+|\*+|匿名|无|未知|测试|不详|none|null|unknown|anonymous|n/a|na|-)\s*$"
WINDOWS = (("", "ever"), ("_365d", "y"), ("_90d", "q"))
PEERS = {
    "institution": (["kind", "level", "ownership"], ["kind", "level"], ["kind"]),
    "practitioner": (["specialty", "level"], ["specialty"]),
    "drug_institution": (["drug", "level", "region"], ["drug", "level"], ["drug"]),
}


def profiles(files: dict[str, list[str]], now: str, coded: bool = True) -> dict[str, pd.DataFrame]:
    """Values by kind of entity; norms of every column in every peer group are computed on the way."""
    line = _lines(files, pd.Timestamp(now), coded)
    place = pd.concat(map(pd.read_parquet, files["organization"])).rename(columns={"org_id": "entity_id"})
    place = place.assign(kind=place.roles.str[0]).rename(columns={"region_code": "region"}).set_index("entity_id")
    post = pd.concat(map(pd.read_parquet, files["position"]))
    doctor = post.rename(columns={"person_id": "entity_id", "specialty_code": "specialty"}).set_index("entity_id")
    doctor = doctor.assign(level=place.level.reindex(doctor.org_id).to_numpy())

    institution = _common(line, "institution_id").assign(
        blank_prescriber_share=line.groupby("institution_id").blank.mean(),
        controlled_share=line.groupby("institution_id").is_controlled.mean(),
    )
    drug = _drugs(line, "institution_id")
    peer = (place.kind + "/" + place.level).rename("peer")
    times = _times(drug, "institution_id", peer)
    institution = institution.join(_worst(times, "institution_id")).join(
        times.groupby("institution_id").agg(rx_times_norm_median=("times", "median"), drugs_count=("lines", "size"))
    )
    pairs = _pairs(line, drug)

    line = line[~line.blank]
    practitioner = _common(line, "prescriber_id").join(_practitioner(line))
    practitioner = practitioner.join(
        _worst(_times(_drugs(line, "prescriber_id"), "prescriber_id", doctor.specialty.rename("peer")), "prescriber_id")
    )
    found = {"institution": institution, "practitioner": practitioner, "drug_institution": pairs}
    known = {
        "institution": institution.join(place[["kind", "level", "ownership"]]),
        "practitioner": practitioner.join(doctor[["specialty", "level"]]),
        "drug_institution": _placed(pairs, place),
    }
    for kind, levels in PEERS.items():
        for level in levels:
            _norm(known[kind], found[kind].columns, level)
    return {kind: values.astype(float).sort_index() for kind, values in found.items()}


def _lines(files: dict[str, list[str]], now: pd.Timestamp, coded: bool) -> pd.DataFrame:
    wanted = ["rx_id", "rx_line", "person_id", "institution_id", "prescriber_id", "item_code", "prescribed_at",
              "quantity", "days_supply", "daily_dose"]  # fmt: skip
    line = pd.concat([pd.read_parquet(path, columns=wanted) for path in files["prescription"]], ignore_index=True)
    for name in ("person_id", "institution_id", "prescriber_id", "item_code") if coded else ():
        line[name] = line[name].astype("category")
    item = pd.concat(map(pd.read_parquet, files["catalog_item"])).set_index("item_code")
    if coded:
        item = item.reindex(line.item_code.cat.categories)
        code = line.item_code.cat.codes.to_numpy()
        blank = line.prescriber_id.cat.categories.to_series().str.match(NOBODY).to_numpy(bool)
        blank = blank[line.prescriber_id.cat.codes]
    else:
        code = item.index.get_indexer(pd.Index(line.item_code))
        blank = line.prescriber_id.str.match(NOBODY).to_numpy(bool)
    strength, ddd, most = (item[name].to_numpy(float)[code] for name in ("strength", "ddd", "max_daily_dose"))
    at = line.prescribed_at.dt.tz_localize(None)
    active = line.quantity.to_numpy() * strength
    days = line.days_supply.to_numpy(float)
    local = at + pd.Timedelta(hours=8)
    order = line.assign(at=at).sort_values(["person_id", "item_code", "at", "rx_id", "rx_line"])[
        ["person_id", "item_code"]
    ]
    runs_out = (at + pd.to_timedelta(days, unit="D")).reindex(order.index)
    keys = [order[name].cat.codes if coded else order[name] for name in ("person_id", "item_code")]
    until = runs_out.astype("int64").groupby(keys).cummax()
    until = until.groupby(keys).shift().reindex(line.index)
    unit = 86_400 * (1_000_000 if runs_out.dtype.str.endswith("us]") else 1_000_000_000)
    left = (until - at.astype(runs_out.dtype).astype("int64")) / unit
    clock = at.dt.minute.ne(0) | at.dt.second.ne(0)
    return line[["person_id", "institution_id", "prescriber_id", "item_code", "days_supply"]].assign(
        volume=line.quantity * np.where(np.isnan(strength), 1.0, strength),
        ddds=active / ddd,
        over_dose=(line.daily_dose.fillna(pd.Series(active / days, line.index)) > most).astype(float),
        is_controlled=item.is_controlled.to_numpy(bool)[code],
        blank=blank,
        day=local.dt.normalize(),
        weekend=local.dt.dayofweek >= 5,
        night=((local.dt.hour >= 22) | (local.dt.hour < 6)).astype(float).where(clock),
        ever=True,
        y=at > now - pd.Timedelta(days=365),
        q=at > now - pd.Timedelta(days=90),
        early=(at > now - pd.Timedelta(days=455)) & (at <= now - pd.Timedelta(days=90)),
        left_over=np.minimum(left.clip(lower=0), days),
    )


def _common(line: pd.DataFrame, key: str) -> pd.DataFrame:
    found: dict[str, Any] = {}
    for suffix, window in WINDOWS:
        some = line[line[window]] if suffix else line
        by = some.groupby(key, observed=False)
        people = by.person_id.nunique()
        dosed = some[some.ddds.notna()].groupby(key, observed=False).person_id.nunique()
        found[f"rx_lines{suffix}"] = by.size()
        found[f"rx_patients{suffix}"] = people
        found[f"rx_lines_per_patient{suffix}"] = by.size() / _some(people)
        found[f"ddd_per_patient{suffix}"] = by.ddds.sum(min_count=1) / _some(dosed)
        found[f"over_max_dose_share{suffix}"] = by.over_dose.mean()
    by = line.groupby(key, observed=False)
    found["days_supply_overlap_share"] = by.left_over.sum() / by.days_supply.sum().replace(0, np.nan)
    frame = pd.DataFrame(found)
    # Who has no line in a window has none there: categories say so themselves.
    counts = [f"{name}{suffix}" for name in ("rx_lines", "rx_patients") for suffix, _ in WINDOWS]
    frame[counts] = frame[counts].fillna(0)
    frame = frame[frame.rx_lines > 0]
    return frame.drop(columns=[f"rx_patients{suffix}" for suffix, _ in WINDOWS]) if key == "institution_id" else frame


def _some(count: Any) -> Any:
    """The count, unknown where it is zero."""
    return count.where(count > 0)


def _practitioner(line: pd.DataFrame) -> pd.DataFrame:
    by = line.groupby("prescriber_id", observed=True)
    early, recent = by.early.sum(), by.q.sum()
    day = line.groupby(["prescriber_id", "day"], observed=True).agg(
        patients=("person_id", "nunique"), places=("institution_id", "nunique"), y=("y", "any"), q=("q", "any")
    )
    patient = line.groupby(["prescriber_id", "person_id"], observed=True).size().groupby("prescriber_id", observed=True)
    return pd.DataFrame(
        {
            "institutions": by.institution_id.nunique(),
            "night_share": by.night.mean(),
            "weekend_share": by.weekend.mean(),
            "growth": recent / 90 / (early.where(early >= 20) / 365),
            "patients_per_day_max": day.patients.groupby("prescriber_id", observed=True).max(),
            "patients_per_day_max_365d": day[day.y].patients.groupby("prescriber_id", observed=True).max(),
            "patients_per_day_max_90d": day[day.q].patients.groupby("prescriber_id", observed=True).max(),
            "patients_per_day": day.patients.groupby("prescriber_id", observed=True).mean(),
            "many_place_days": (day.places > 1).groupby("prescriber_id", observed=True).sum(),
            "top_patient_share": patient.max() / patient.sum().where(patient.size() >= 10),
        }
    )


def _drugs(line: pd.DataFrame, key: str) -> pd.DataFrame:
    recent = line.volume.where(line.y)
    patient = line.assign(volume_y=recent).groupby([key, "item_code", "person_id"], observed=True).agg(
        lines=("volume", "size"), lines_y=("y", "sum"), volume=("volume", "sum"), volume_y=("volume_y", "sum")
    )  # fmt: skip
    patient["recent"] = patient.lines_y > 0
    return patient.groupby([key, "item_code"], observed=True).agg(
        lines=("lines", "sum"), lines_y=("lines_y", "sum"), most=("lines", "max"), patients=("lines", "size"),
        patients_y=("recent", "sum"), volume=("volume", "sum"), volume_y=("volume_y", "sum"),
        heaviest=("volume", "max"), heaviest_y=("volume_y", "max"),
    ).reset_index()  # fmt: skip


def _times(drug: pd.DataFrame, key: str, peer: pd.Series) -> pd.DataFrame:
    drug = drug.assign(peer=peer.reindex(drug[key].astype(str)).fillna("").to_numpy())
    for suffix in ("", "_y"):
        few = drug[f"patients{suffix}"]
        per = ((drug[f"volume{suffix}"] - drug[f"heaviest{suffix}"]) / (few - 1)).where(few >= 10)
        usual = pd.Series(np.nan, drug.index)
        for level in (["item_code"], ["item_code", "peer"]):
            by = per.groupby([drug[name] for name in level], observed=True)
            usual = by.transform("median").where(by.transform("count") >= 8, usual)
        drug[f"times{suffix}"] = per / usual.replace(0, np.nan)
    return drug


def _worst(drug: pd.DataFrame, key: str) -> pd.DataFrame:
    by = drug.groupby(key, observed=True)
    furthest = drug.patients.where(drug.times == by.times.transform("max"))
    return pd.DataFrame(
        {
            "rx_times_norm": by.times.max(),
            "rx_times_norm_365d": by.times_y.max(),
            "rx_times_norm_patients": furthest.groupby(drug[key], observed=True).max(),
            "rx_times_norm_drugs": (drug.times >= 5)
            .where(drug.times.notna())
            .astype(float)
            .groupby(drug[key], observed=True)
            .sum(min_count=1),
            "top_drug_share": by.lines.max() / by.lines.sum(),
        }
    )


def _pairs(line: pd.DataFrame, drug: pd.DataFrame) -> pd.DataFrame:
    key = ["institution_id", "item_code"]
    doses = line.groupby(key, observed=True).agg(
        ddds=("ddds", "sum"), over=("over_dose", "sum"), doses=("over_dose", "count"), left=("left_over", "sum"),
        days=("days_supply", "sum"),
    )  # fmt: skip
    by = line[~line.blank].groupby([*key, "prescriber_id"], observed=True).size().groupby(key, observed=True)
    doctors = pd.DataFrame({"top": by.max(), "named": by.sum(), "prescribers": by.size()})
    whole = drug.groupby("institution_id", observed=True)[["lines", "lines_y"]].transform("sum")
    pair = drug.assign(whole=whole.lines, whole_y=whole.lines_y)
    pair = pair[pair.patients >= 10].set_index(key).join(doses).join(doctors)
    per_y = (pair.volume_y - pair.heaviest_y) / (pair.patients_y - 1)
    earlier = pair.lines - pair.lines_y
    found = pd.DataFrame(
        {
            "rx_lines": pair.lines, "rx_lines_365d": pair.lines_y, "rx_patients": pair.patients,
            "rx_patients_365d": pair.patients_y,
            "volume_per_patient": (pair.volume - pair.heaviest) / (pair.patients - 1),
            "volume_per_patient_365d": per_y.where(pair.patients_y >= 10),
            "lines_per_patient": pair.lines / pair.patients,
            "lines_per_patient_365d": pair.lines_y / pair.patients_y.replace(0, np.nan),
            "line_share": pair.lines / pair.whole, "line_share_365d": pair.lines_y / pair.whole_y.replace(0, np.nan),
            "ddd_per_patient": pair.ddds / pair.patients, "over_max_dose_share": pair.over / pair.doses,
            "days_supply_overlap_share": pair.left / pair.days, "top_patient_share": pair.most / pair.lines,
            "top_prescriber_share": pair.top / pair.named, "prescribers": pair.prescribers,
            "growth": pair.lines_y / earlier.where(earlier >= 10),
        }
    )  # fmt: skip
    found.index = pd.Index([f"{place}/{item}" for place, item in found.index], name="entity_id")
    return found


def _placed(pairs: pd.DataFrame, place: pd.DataFrame) -> pd.DataFrame:
    both = pairs.index.str.split("/", expand=True)
    known = place.reindex(both.get_level_values(0))
    return pairs.assign(drug=both.get_level_values(1), level=known.level.to_numpy(), region=known.region.to_numpy())


def _norm(known: pd.DataFrame, columns: pd.Index, level: list[str]) -> pd.DataFrame:
    by = known.groupby(level)[list(columns)]
    distance = (known[list(columns)] - by.transform("median")).abs()
    spread = 1.4826 * distance.groupby([known[name] for name in level]).median()
    return pd.concat([by.count(), by.median(), by.quantile(0.05), by.quantile(0.95), spread], axis=1)
