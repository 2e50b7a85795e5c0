"""Scored links: the Fellegi-Sunter model as Splink fits it, without labels. The only file that names Splink.

How often two different entities agree by chance (u) is sampled from the records; how often one entity agrees with
itself (m) stands below, set by judgement: expectation maximisation drives the m of a step that it does not observe to
zero, and Splink then stops. Chinese text is compared by Jaro-Winkler similarity, which the engine computes on bytes:
three to a character, so that a different character moves it just as it would among Latin letters.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.resolution.links import Agreement, Kind, Link
from gnomon.errors import Fault
from gnomon.terms import Text

SEED = 1


@dataclass(frozen=True)
class Field:
    """How one column is compared: thresholds of similarity from the strictest on; none for equal or not."""

    column: str
    title: Text
    alike: tuple[float, ...]
    m: tuple[float, ...]
    """For one entity: chance of equal, of each step, of anything else."""


FIELDS: dict[Kind, tuple[Field, ...]] = {
    "firm": (
        Field("core", Text("字号与行业", "name without region and form"), (0.94, 0.87), (0.80, 0.11, 0.05, 0.04)),
        Field("phone", Text("电话", "telephone"), (), (0.80, 0.20)),
        Field("address", Text("地址", "address"), (0.92, 0.82), (0.62, 0.16, 0.10, 0.12)),
        Field("representative", Text("法定代表人", "legal representative"), (), (0.90, 0.10)),
        Field("region", Text("行政区划", "region"), (), (0.93, 0.07)),
    ),
    "person": (
        Field("name", Text("姓名", "name"), (0.85,), (0.90, 0.06, 0.04)),
        Field("birth", Text("出生日期", "birth date"), (0.95, 0.90), (0.90, 0.05, 0.02, 0.03)),
        Field("phone", Text("电话", "telephone"), (), (0.70, 0.30)),
        Field("address", Text("地址", "address"), (0.92, 0.82), (0.60, 0.15, 0.10, 0.15)),
        Field("sex", Text("性别", "sex"), (), (0.99, 0.01)),
        Field("household", Text("家庭", "household"), (), (0.85, 0.15)),
    ),
}
BLOCKS: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "firm": (("core",), ("phone",), ("address",), ("substr(core, 1, 2)", "region")),
    "person": (("name", "birth"), ("phone",), ("name", "address"), ("birth", "address"), ("name", "household")),
}
"""Pairs are compared only where they agree on all expressions of one block."""
PRIOR = {"firm": 1.3, "person": 1.3}
"""Records that an entity is expected to have, on average."""


def scored(frame: pd.DataFrame, kind: Kind, threshold: float = 0.9) -> list[Link]:
    """Links with at least this probability, with the weight of every agreement.

    Raises
    ------
    Fault
        When Splink is not installed.
    """
    if len(frame) < 2:
        return []
    try:
        import splink.comparison_library as library
        from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    except ImportError:
        raise Fault("features.resolution.splink", place="splink") from None
    fields = [one for one in FIELDS[kind] if frame[one.column].notna().any()]
    used = {one.column for one in fields}
    blocks = [block for block in BLOCKS[kind] if all(any(name in part for name in used) for part in block)]
    if not fields or not blocks:
        return []
    comparisons = []
    for one in fields:
        if one.alike:
            made = library.JaroWinklerAtThresholds(one.column, list(one.alike))
        else:
            made = library.ExactMatch(one.column)
        comparisons.append(made.configure(m_probabilities=list(one.m)))
    n = len(frame)
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*block) for block in blocks],
        probability_two_random_records_match=min(0.5, (PRIOR[kind] - 1) / (n - 1)),
        retain_intermediate_calculation_columns=True,
        retain_matching_columns=True,
    )
    api = DuckDBAPI()
    linker = Linker(api.register(frame.astype("string")), settings)
    # Splink tells its progress on standard error from here on, unless it is told not to.
    logging.getLogger("splink").setLevel(logging.ERROR)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=SEED)
    pairs = linker.inference.predict(threshold_match_probability=threshold).as_pandas_dataframe()
    return [_link(row, kind, fields) for row in pairs.to_dict("records")]


def _link(row: dict[Any, Any], kind: Kind, fields: list[Field]) -> Link:
    evidence = []
    for one in fields:
        left, right = row[f"{one.column}_l"], row[f"{one.column}_r"]
        if pd.notna(left) and pd.notna(right):
            weight = round(float(row[f"mw_{one.column}"]), 3)
            evidence.append(Agreement(one.title, str(left), str(right), weight))
    left, right = sorted((str(row["record_l"]), str(row["record_r"])))
    return Link(kind, left, right, "scored", float(row["match_probability"]), tuple(evidence))
