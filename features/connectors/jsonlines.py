"""JSON lines: one object a line. A line that is no object is kept aside, the others go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from features.connectors.raw import Broken, Raw, from_records
from gnomon.errors import Fault
from gnomon.i18n import both


def read(data: bytes, path: Path) -> Raw:
    """Objects of a UTF-8 text, a JSON array of objects included; lists of plain values stay lists."""
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    for number, one in _objects(data, path):
        if isinstance(one, dict):
            records.append(one)
            numbers.append(number)
        else:
            broken.append(Broken(number, str(one)[:200], both("features.refused.json")))
    if not records:
        raise Fault("features.file.no_objects", place=str(path))
    names = list(dict.fromkeys(name for record in records for name in record))
    return Raw(from_records(records, names), np.array(numbers, np.int64), tuple(broken))


def _objects(data: bytes, path: Path) -> list[tuple[int, Any]]:
    if data.lstrip()[:1] == b"[":
        try:
            return list(enumerate(json.loads(data), start=1))
        except ValueError:
            raise Fault("features.file.cut", place=str(path)) from None
    lines = data.split(b"\n")
    return [(number, _parsed(line)) for number, line in enumerate(lines, start=1) if line.strip()]


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line.decode("utf-8", "replace")
