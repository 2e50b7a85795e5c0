"""Files of the city: two waves of source tables, mappings for the odd ones, the truth beside them, and a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import yaml

from features.contracts import Column, contract_of
from features.samplecity.dirt import FAULTS, soil
from features.samplecity.plan import HISTORY_END, City, iso_day
from gnomon.progress import Step

CHINESE = ("admission", "position")
"""Tables that arrive as a Chinese system writes them: Chinese headings, GB18030, and a mapping to read them by."""
_ROUTES = {"急诊": "emergency", "门诊": "outpatient", "转院": "transfer"}
_EVENTS = {
    "prescription": "prescribed_at",
    "dispensing": "dispensed_at",
    "claim": "settled_at",
    "admission": "admit_at",
    "inpatient_day": "day",
}
WAVES = ("history", "later")


def text_of(values: pd.Series[Any], column: Column) -> pa.Array:
    """A column as the text that a source file holds; null stays null."""
    if column.type in ("ts", "date"):
        unit = "s" if column.type == "ts" else "D"
        moments = values.to_numpy().astype(f"datetime64[{unit}]")
        told = np.datetime_as_string(moments)
        zone = "+08:00" if column.type == "ts" else ""
        texts = pc.binary_join_element_wise(pa.array(told.astype(object), pa.string()), zone, "")
        return pc.if_else(pa.array(np.isnat(moments)), pa.scalar(None, pa.string()), texts)
    if column.type in ("money", "decimal", "ratio", "int"):
        numbers = pa.array(values.to_numpy(float), from_pandas=True)
        if column.type == "int":
            return numbers.cast(pa.int64()).cast(pa.string())
        digits = 2 if column.type == "money" else 6
        wide = pc.round(numbers, digits).cast(pa.decimal128(24, digits)).cast(pa.string())
        return wide if column.type == "money" else pc.replace_substring_regex(wide, r"\.?0+$", "")
    if column.type == "bool":
        return pa.array(values.astype(bool).to_numpy()).cast(pa.string())
    if column.type == "list":
        # Lists are few and much alike: each different one is written once.
        known: dict[tuple[str, ...], str] = {}
        told_lists = [None if one is None or isinstance(one, float) else tuple(one) for one in values]
        for one in told_lists:
            if one is not None and one not in known:
                known[one] = json.dumps(one, ensure_ascii=False)
        return pa.array([None if one is None else known[one] for one in told_lists], pa.string())
    return pa.array(values.to_numpy(object), pa.string(), from_pandas=True)


def _later(city: City, table: str) -> np.typing.NDArray[np.bool_]:
    """Rows of the second wave: what happened after the first scoring, and a few older rows that came late."""
    frame = city.tables[table]
    if table in ("tender", "bid", "award"):
        tenders = city.tables["tender"]
        late = set(tenders.loc[tenders["opened_at"] > HISTORY_END, "tender_id"])
        return frame["tender_id"].isin(late).to_numpy()
    if table not in _EVENTS:
        return np.zeros(len(frame), bool)
    at = frame[_EVENTS[table]].to_numpy()
    after = at > HISTORY_END
    if table in ("prescription", "claim"):
        last_month = at > HISTORY_END - np.timedelta64(30, "D")
        after = after | (last_month & (city.rng(f"late {table}").random(len(at)) < 0.02))
    return np.asarray(after)


def _corrections(city: City, table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows whose truth changed between the waves: as first told, and as told later (same keys)."""
    frame = city.tables[table]
    if table == "admission":
        inside = (frame["admit_at"] <= HISTORY_END) & (frame["discharge_at"] > HISTORY_END)
        later = frame[inside]
        return later.assign(discharge_at=np.datetime64("NaT", "s")), later
    if table == "claim":
        recent = (frame["settled_at"] > HISTORY_END - np.timedelta64(20, "D")) & (frame["settled_at"] <= HISTORY_END)
        chosen = recent & (frame["status"] == "settled") & ~_later(city, table)
        picked = frame[chosen].iloc[::60]
        return picked, picked.assign(status="reversed")
    return frame.iloc[:0], frame.iloc[:0]


def waves(city: City, table: str) -> dict[str, pd.DataFrame]:
    """The rows of a table by wave, in order of their event."""
    frame, after = city.tables[table], _later(city, table)
    before, corrected = _corrections(city, table)
    history = frame[~after].copy()
    if len(before):
        history.loc[before.index] = before
    parts = {"history": history, "later": pd.concat([frame[after], corrected])}
    if table in _EVENTS:
        parts = {name: part.sort_values(_EVENTS[table], kind="stable") for name, part in parts.items()}
    return {name: part for name, part in parts.items() if len(part)}


def write_city(city: City, folder: Path, step: Step) -> dict[str, Any]:
    """Write everything below `folder`; returns the manifest."""
    manifest: dict[str, Any] = {
        "seed": city.seed,
        "history_end": iso_day(HISTORY_END),
        "rows": {wave: {} for wave in WAVES},
        "dirty": [],
    }
    part = city.size.visits / 66_000
    for table in sorted(city.tables):
        columns = [one for one in contract_of(table).columns if one.name in city.tables[table].columns]
        for wave, frame in waves(city, table).items():
            rows = pa.table({one.name: text_of(frame[one.name], one) for one in columns})
            rows, notes = soil(city, table, rows, part if wave == "history" else part / 8)
            _write_rows(folder / wave / f"{table}.csv", table, rows)
            refused = sum(note["fault"] in FAULTS for note in notes)
            told = {"rows": len(rows), "refused": refused, "duplicates": len(notes) - refused}
            manifest["rows"][wave][table] = told
            manifest["dirty"] += [{"wave": wave, "table": table, **note} for note in notes]
        step.advance()
    _write_mappings(city, folder / "mappings")
    _write_truth(city, folder / "truth")
    _save(folder / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    return manifest


def _write_rows(path: Path, table: str, rows: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if table not in CHINESE:
        csv.write_csv(rows, path)
        return
    if table == "admission":
        back = {english: chinese for chinese, english in _ROUTES.items()}
        routes = pa.array([back.get(one, one) for one in rows["admit_route"].to_pylist()], pa.string())
        rows = rows.set_column(rows.schema.get_field_index("admit_route"), "admit_route", routes)
    headings = [contract_of(table).by_name[name].title.zh for name in rows.column_names]
    sink = pa.BufferOutputStream()
    csv.write_csv(rows.rename_columns(headings), sink)
    path.write_bytes(sink.getvalue().to_pybytes().decode("utf-8").encode("gb18030"))


def _write_mappings(city: City, folder: Path) -> None:
    for table in CHINESE:
        columns: dict[str, Any] = {
            one.name: one.title.zh for one in contract_of(table).columns if one.name in city.tables[table].columns
        }
        if table == "admission":
            columns["admit_route"] = {"from": columns["admit_route"], "values": _ROUTES}
        told = {
            "name": f"samplecity-{table}",
            "title": {"zh": f"示例城市：{contract_of(table).title.zh}", "en": f"Sample city: {table}"},
            "file": {"encoding": "gb18030"},
            "tables": [{"table": table, "columns": columns}],
        }
        _save(folder / f"{table}.yaml", yaml.safe_dump(told, allow_unicode=True, sort_keys=False))


def _write_truth(city: City, folder: Path) -> None:
    names = ["entity_kind", "entity_id", "scheme", "from", "to", "note"]
    _save(folder / "truth.csv", pd.DataFrame(city.truth)[names].to_csv(index=False, lineterminator="\n"))
    names = ["entity_kind", "entity_id", "kind", "why"]
    _save(folder / "lookalikes.csv", pd.DataFrame(city.lookalikes)[names].to_csv(index=False, lineterminator="\n"))


def _save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
