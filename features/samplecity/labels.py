"""Outcomes of earlier inspections: partly at random, partly on complaints, and honest about what they did not find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.samplecity.plan import City

_ROUNDS = (("2026-03-31", "2026-05-29"),)
"""Rounds of inspection: day up to which the inspectors looked, and day on which the outcome was known."""
_FOUND = 0.85
_COMPLAINED = 0.55
_RANDOM = {"institution": 0.22, "practitioner": 0.10, "supplier": 0.30, "tender": 0.12, "buyer": 0.30}
_WRONG_RECORDS = ("data-entry-slip", "blank-doctor-names")


def add_labels(city: City) -> None:
    """Write `label`: each round looks at who existed then; a scheme must have run for a quarter to be seen."""
    rng = city.rng("labels")
    guilty: dict[tuple[str, str], tuple[str, str]] = {}
    for row in city.truth:
        guilty.setdefault((row["entity_kind"], row["entity_id"]), (row["scheme"], row["from"]))
    wrong = {(row["entity_kind"], row["entity_id"]) for row in city.lookalikes if row["kind"] in _WRONG_RECORDS}
    rows: list[dict[str, str | None]] = []
    seen: set[tuple[str, str]] = set()
    for as_of, known in _ROUNDS:
        quarter_before = str(np.datetime64(as_of) - np.timedelta64(90, "D"))
        for kind, ids in _population(city, as_of).items():
            for one in ids:
                scheme, began = guilty.get((kind, one), ("", ""))
                if (kind, one) in seen or rng.random() >= (_COMPLAINED if scheme else _RANDOM[kind] / len(_ROUNDS)):
                    continue
                seen.add((kind, one))
                visible = bool(scheme) and began <= quarter_before
                outcome = _outcome(rng, guilty=visible, wrong_record=(kind, one) in wrong)
                row = {"entity_kind": kind, "entity_id": one, "scheme": scheme if outcome == "confirmed" else None}
                rows.append(
                    {**row, "outcome": outcome, "as_of": f"{as_of}T15:59:59", "labelled_at": f"{known}T09:00:00"}
                )
    labels = pd.DataFrame(rows)
    labels["as_of"] = pd.to_datetime(labels["as_of"])
    labels["labelled_at"] = pd.to_datetime(labels["labelled_at"])
    labels.insert(0, "label_id", [f"JC{number:05d}" for number in range(len(labels))])
    city.tables["label"] = labels.assign(origin="inspection")


def _outcome(rng: np.random.Generator, *, guilty: bool, wrong_record: bool) -> str:
    draw = rng.random()
    if guilty:
        return "confirmed" if draw < _FOUND else ("useful" if draw < 0.93 else "false_alarm")
    if wrong_record:
        return "data_error"
    return "false_alarm" if draw < 0.86 else ("useful" if draw < 0.96 else "data_error")


def _population(city: City, as_of: str) -> dict[str, Sequence[str]]:
    """Who could have been inspected by then, in a fixed order."""
    day = np.datetime64(as_of)
    rx, tenders, bids = (city.tables[name] for name in ("prescription", "tender", "bid"))
    rx = rx[rx["prescribed_at"] < day]
    opened = tenders[tenders["opened_at"] < day]
    known = set(opened["tender_id"])
    return {
        "institution": sorted(set(rx["institution_id"])),
        "practitioner": sorted(set(rx["prescriber_id"])),
        "supplier": sorted(set(bids.loc[bids["tender_id"].isin(known), "bidder_id"])),
        "tender": sorted(known),
        "buyer": sorted(set(opened["buyer_id"])),
    }
