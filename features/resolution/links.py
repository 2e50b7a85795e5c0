"""Links between records: found with their evidence, kept in an append-only journal, undone by a further line."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from gnomon.errors import Misuse, nearest
from gnomon.terms import Text

Kind = Literal["firm", "person"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One thing that two records have in common or not, and what that is worth."""

    what: Text
    left: str
    right: str
    weight: float | None
    """Log2 of how much likelier this is for one entity than for two; None where a rule decided."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two records that are held to be one entity."""

    kind: Kind
    left: str
    right: str
    method: str
    """Name of the deterministic rule, or `scored`."""
    probability: float
    """1 for a deterministic rule."""
    evidence: tuple[Agreement, ...] = ()

    @property
    def link_id(self) -> str:
        """The same for the same two records, whichever comes first."""
        told = json.dumps([self.kind, *sorted((self.left, self.right))])
        return hashlib.sha256(told.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Kept:
    """A link as the journal has it."""

    link: Link
    at: str
    undone: bool
    reason: str
    """Why it was undone."""


class Journal:
    """All links of a workspace. What was undone is not linked again by itself."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "links.jsonl"

    def all(self) -> dict[str, Kept]:
        """Links by id, the undone ones included."""
        kept: dict[str, Kept] = {}
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                continue  # The last line of a process that died.
            if told["action"] == "link":
                link = _link(told["link"])
                kept[link.link_id] = Kept(link, told["at"], False, "")
            elif told["id"] in kept:
                old = kept[told["id"]]
                kept[told["id"]] = Kept(old.link, old.at, told["action"] == "undo", told["reason"])
        return kept

    def standing(self, kind: Kind | None = None) -> list[Link]:
        """Links that have not been undone."""
        return [one.link for one in self.all().values() if not one.undone and kind in (None, one.link.kind)]

    def add(self, links: Iterable[Link]) -> list[Link]:
        """Keep what is new; links that are known, or were undone, are left as they are."""
        known = self.all()
        fresh = list({one.link_id: one for one in links if one.link_id not in known}.values())
        self._write([{"action": "link", "link": asdict(one)} for one in fresh])
        return fresh

    def undo(self, link_id: str, reason: str) -> Link:
        """Take a link back, for a reason."""
        return self._decide(link_id, "undo", reason)

    def redo(self, link_id: str, reason: str) -> Link:
        """Let an undone link stand again, for a reason."""
        return self._decide(link_id, "redo", reason)

    def _decide(self, link_id: str, action: str, reason: str) -> Link:
        known = self.all()
        if link_id not in known:
            raise Misuse("features.resolution.no_link", place=link_id, nearest=nearest(link_id, known) or "-")
        if not reason.strip():
            raise Misuse("features.resolution.reason", place=link_id)
        self._write([{"action": action, "id": link_id, "reason": reason.strip()}])
        return known[link_id].link

    def _write(self, lines: Sequence[dict[str, Any]]) -> None:
        if not lines:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        at = datetime.now(UTC).isoformat()
        with self._path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("".join(json.dumps({"at": at, **line}, ensure_ascii=False) + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def entities(links: Iterable[Link]) -> dict[str, str]:
    """For every linked record the entity it belongs to: the smallest of the names that hang together."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one in links:
        left, right = sorted((root(one.left), root(one.right)))
        parent[right] = left
    return {name: root(name) for name in parent}


def _link(told: dict[str, Any]) -> Link:
    evidence = [Agreement(Text(**one["what"]), one["left"], one["right"], one["weight"]) for one in told["evidence"]]
    return Link(told["kind"], told["left"], told["right"], told["method"], told["probability"], tuple(evidence))
