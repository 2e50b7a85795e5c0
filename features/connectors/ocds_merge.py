"""OCDS files (packages, records, releases, JSON lines) to contracting processes, the releases of each merged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from features.connectors.archive import contents, decoded
from gnomon.errors import Fault

Json = dict[str, Any]


@dataclass
class Processes:
    """Contracting processes by OCID, each with the place where it was last told."""

    releases: dict[str, list[tuple[str, Json]]] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    """File and position in it (line of a JSON-lines file, place in a package)."""
    faults: list[Fault] = field(default_factory=list)
    mark: str = ""

    def merged(self) -> dict[str, Json]:
        """One release per process: later releases override field by field, objects with ids are merged by id."""
        return {ocid: _merged(told) for ocid, told in self.releases.items()}


def gather(files: Sequence[Path]) -> Processes:
    """All processes told in these files; what cannot be read is a fault and does not stop the others."""
    found = Processes()
    marks = []
    for file in files:
        try:
            data, _, mark = contents(file)
            marks.append(mark)
            for row, told in _objects(decoded(data, file), file, found.faults):
                _take(told, file, row, found)
        except Fault as fault:
            found.faults.append(fault)
    found.mark = sha256("".join(sorted(marks)).encode()).hexdigest()
    return found


def _objects(data: bytes, file: Path, faults: list[Fault]) -> Iterator[tuple[int, Any]]:
    if not data.strip():
        raise Fault("features.file.empty", place=str(file))
    try:
        yield from _unpacked(json.loads(data), file)
        return
    except ValueError as wrong:
        lines = [(n, line) for n, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
        several = ".jsonl" in file.suffixes or ".ndjson" in file.suffixes or _is_json(lines[0][1])
        if not several or len(lines) == 1:
            row = getattr(wrong, "lineno", 1)
            raise Fault("features.ocds.json", place=f"{file}:{row}") from None
    for number, line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            faults.append(Fault("features.ocds.json", place=f"{file}:{number}"))
            continue
        for _, release in _unpacked(told, file):
            yield number, release


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _unpacked(told: Any, file: Path) -> Iterator[tuple[int, Any]]:
    """Releases of a package, a record package, a record, a release or an array of those."""
    if isinstance(told, list):
        for number, one in enumerate(told, start=1):
            for _, release in _unpacked(one, file):
                yield number, release
    elif isinstance(told, dict) and isinstance(told.get("records"), list):
        yield from _unpacked(told["records"], file)
    elif isinstance(told, dict) and isinstance(told.get("compiledRelease"), dict):
        yield 1, {"ocid": told.get("ocid"), **told["compiledRelease"]}
    elif isinstance(told, dict) and isinstance(told.get("releases"), list):
        # Linked releases hold a URL only: what they say is not here.
        whole = [one for one in told["releases"] if not (isinstance(one, dict) and "url" in one and "ocid" not in one)]
        yield from _unpacked(whole, file)
    elif isinstance(told, dict) and {"ocid", "tender", "awards", "tag"} & told.keys():
        yield 1, told
    else:
        raise Fault("features.ocds.none", place=str(file))


def _take(told: Any, file: Path, row: int, found: Processes) -> None:
    ocid = told.get("ocid") if isinstance(told, dict) else None
    if not isinstance(ocid, str | int) or not str(ocid).strip():
        found.faults.append(Fault("features.ocds.no_ocid", place=f"{file}:{row}"))
        return
    name = str(ocid).strip()
    found.releases.setdefault(name, []).append((str(told.get("date") or ""), told))
    found.places[name] = (str(file), row)


def _merged(told: list[tuple[str, Json]]) -> Json:
    whole: Json = {}
    for _, release in sorted(told, key=lambda one: one[0]):
        whole = _over(whole, release)
    return whole


def _over(old: Any, new: Any) -> Any:
    if new is None:
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: _over(old.get(name), value) for name, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list) and all(_has_id(one) for one in (*old, *new)):
        by_id = {str(one["id"]): one for one in old}
        for one in new:
            by_id[str(one["id"])] = _over(by_id.get(str(one["id"])), one)
        return list(by_id.values())
    return new


def _has_id(one: Any) -> bool:
    return isinstance(one, dict) and one.get("id") is not None
