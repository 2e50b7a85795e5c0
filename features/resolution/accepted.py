"""Accepted links, put into the lake: the engine then reads linked records as one entity (`features.identity`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa

from features.contracts import contract_of
from features.identity import TABLE
from features.lake import Lake
from features.resolution.codes import credit_code
from features.resolution.links import KINDS, Journal, Kept, clusters, holding

SOURCE = "resolution"


def commit(journal: Journal, lake: Lake) -> int:
    """Make the lake's `identity` table tell what the journal tells; the lake's version then.

    Nothing changes where it tells so already. A record that no link holds to another any more stands for itself.
    """
    known = {(row["kind"], row["record_id"]) for part in lake.known(TABLE, ["kind", "record_id"])
             for row in part.to_pylist()}  # fmt: skip
    kept = list(journal.all().values())
    decided = _decisions(kept)
    rows = {
        one: {"kind": one[0], "record_id": one[1], "entity_id": one[1], "link_ids": [], **decided.get(one, {})}
        for one in sorted(known)
    }
    for kind in KINDS:
        links = holding(kept, kind)
        named: dict[str, set[str]] = {}
        for one in links:
            for record in (one.left, one.right):
                named.setdefault(record, set()).add(one.link_id)
        for together in clusters(links):
            behind = sorted(set().union(*(named[record] for record in together)))
            entity = standing_for(together)
            for record in together:
                told = {"kind": kind, "record_id": record, "entity_id": entity, "link_ids": behind}
                rows[kind, record] = told | decided.get((kind, record), {})
    if not rows:
        return lake.version
    mark = hashlib.sha256(json.dumps(list(rows.values()), default=str).encode()).hexdigest()
    fields = [field for field in contract_of(TABLE).schema if not field.name.startswith("_")]
    return lake.commit(TABLE, pa.Table.from_pylist(list(rows.values()), pa.schema(fields)), SOURCE, mark).version


def _decisions(kept: Iterable[Kept]) -> dict[tuple[str, str], dict[str, Any]]:
    """By record who decided last about one of its links, and when."""
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for one in sorted((one for one in kept if one.decided_at), key=lambda one: one.decided_at):
        for record in (one.link.left, one.link.right):
            at = datetime.fromisoformat(one.decided_at)
            told[one.link.kind, record] = {"decided_by": one.by or None, "decided_at": at}
    return told


def standing_for(together: list[str]) -> str:
    """The record that stands for all: one named by a valid code, best as it should be written; else the first."""
    return min(together, key=lambda record: (not (code := credit_code(record)), code != record, record))
