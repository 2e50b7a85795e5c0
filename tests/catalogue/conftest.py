"""Small profiles and model files, with letters for entities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import NO_NORM, ProfileColumn, Profiles
from gnomon.terms import Direction, Text

RULE = """\
id: {id}
version: 1
scene: medical-insurance
stage: prescribing
entity: institution
scheme: over-prescribing
detector: rule
title: {{zh: 标题, en: Title}}
meaning: {{zh: 含义, en: Meaning}}
advice: {{zh: 建议, en: Advice}}
basis: [a regulation]
needs: claims >= 20
when: times_norm(x) >= 5 and share >= 0.1
alert: times_norm(x) >= 20
unless:
  - when: top >= 0.5
    because: {{zh: 一人, en: one patient}}
examples:
  - who: {{zh: 甲, en: F}}
    given: {{claims: 100, x: 30, norm(x): 1, share: 0.2, top: 0.1}}
    warns: true
    severity: alert
  - who: {{zh: 乙, en: B}}
    given: {{claims: 100, x: 30, norm(x): 1, share: 0.2, top: 0.9}}
    warns: false
  - who: {{zh: 丙, en: C}}
    given: {{claims: 100, x: null, share: 0.2}}
    warns: false
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sound model file, with replacements; returns its path."""

    def written(file: str = "own-model", **changed: str) -> Path:
        text = RULE.format(id=file)
        for old, new in changed.items():
            text = "\n".join(new if line.startswith(f"{old}:") else line for line in text.splitlines()) + "\n"
        path = tmp_path / "models" / f"{file}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return written


def profiles(
    rows: Mapping[str, Mapping[str, float | None]],
    norms: Mapping[str, float] | None = None,
    attributes: Mapping[str, Mapping[str, str | None]] | None = None,
    as_of: datetime = datetime(2026, 6, 30, tzinfo=UTC),
    entity: str = "institution",
) -> Profiles:
    """Profiles of a few entities; `norms` gives a column's median among 30 peers, deviation = value - median."""
    values = pd.DataFrame.from_dict(rows, orient="index").astype(float)
    values.index.name = "entity_id"
    medians = norms or {}
    deviations = values.copy()
    groups = pd.DataFrame(NO_NORM, index=values.index, columns=values.columns, dtype=np.int32)
    told = []
    for name in values.columns:
        deviations[name] = values[name] - medians.get(name, np.nan)
        if name in medians:
            groups[name] = np.where(values[name].notna(), len(told), NO_NORM)
            told.append({"column": name, "zh": "同类", "en": "peers", "n": 30, "median": medians[name]})
    frame = pd.DataFrame(told, columns=["column", "zh", "en", "n", "median", "scale", "low", "high"])
    return Profiles(
        entity=entity,
        as_of=as_of,
        lake_version=1,
        columns=tuple(ProfileColumn(name, name, "", Text(name, name), "", Direction.HIGH) for name in values.columns),
        values=values,
        deviations=deviations,
        groups=groups,
        norms=frame,
        attributes=pd.DataFrame.from_dict(attributes or {key: {"name": key} for key in rows}, orient="index"),
    )
