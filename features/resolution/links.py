"""Links between records: found with their evidence, kept in an append-only journal, undone by a further line."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from features.resolution.codes import credit_code
from gnomon.errors import Misuse, nearest
from gnomon.terms import Text

Kind = Literal["firm", "person"]
KINDS: tuple[Kind, ...] = ("firm", "person")
Standing = Literal["waiting", "accepted", "undone"]
"""What became of a link: found and not looked at yet; holds; does not hold."""
CERTAIN = "same-code"
"""The rule whose links hold without anybody looking at them: an equal code with the right check digit."""


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
    standing: Standing
    reason: str = ""
    """Why it was accepted or undone."""
    by: str = ""
    """Who decided so; empty where nobody has yet, and in journals of before."""
    decided_at: str = ""
    """When; empty where nobody has decided yet."""


class Journal:
    """All links of a workspace. Links wait until somebody accepts them, those of equal codes excepted.

    What was undone is not linked again by itself.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "links.jsonl"

    def all(self) -> dict[str, Kept]:
        """Links by id, whatever became of them."""
        kept: dict[str, Kept] = {}
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                continue  # The last line of a process that died.
            if told["action"] == "link":
                link = _link(told["link"])
                first: Standing = "accepted" if link.method == CERTAIN else "waiting"
                kept[link.link_id] = Kept(link, told["at"], first)
            elif told["id"] in kept:
                old = kept[told["id"]]
                now: Standing = "undone" if told["action"] == "undo" else "accepted"
                kept[told["id"]] = Kept(old.link, old.at, now, told["reason"], told.get("by", ""), told["at"])
        return kept

    def accepted(self, kind: Kind | None = None) -> list[Link]:
        """Links that hold."""
        return holding(self.all().values(), kind)

    def add(self, links: Iterable[Link]) -> list[Link]:
        """Keep what is new; links that are known, or were undone, are left as they are."""
        known = self.all()
        fresh = list({one.link_id: one for one in links if one.link_id not in known}.values())
        self._write([{"action": "link", "link": asdict(one)} for one in fresh])
        return fresh

    def undo(self, ids: Sequence[str], reason: str, by: str) -> None:
        """Take links back, for a reason; `by` decides so."""
        self._decide(self.all(), ids, "undo", reason, by)

    def accept(self, ids: Sequence[str], reason: str, by: str) -> None:
        """Let links hold, undone ones among them, for a reason; `by` decides so.

        Raises
        ------
        Misuse
            When firms with two different valid codes would become one: nothing is accepted then.
        """
        known = self.all()
        chosen = [link for one in ids if one in known and (link := known[one].link).kind == "firm"]
        for together in clusters([*holding(known.values(), "firm"), *chosen]):
            codes = sorted({code for record in together if (code := credit_code(record))})
            if len(codes) > 1:
                raise Misuse("features.resolution.two_codes", place=" ".join(ids), codes=", ".join(codes))
        self._decide(known, ids, "accept", reason, by)

    def _decide(self, known: Mapping[str, Kept], ids: Sequence[str], action: str, reason: str, by: str) -> None:
        for one in ids:
            if one not in known:
                raise Misuse("features.resolution.no_link", place=one, nearest=nearest(one, known) or "-")
        if not reason.strip():
            raise Misuse("features.resolution.reason", place=" ".join(ids))
        decided = {"action": action, "reason": reason.strip(), "by": by}
        self._write([{**decided, "id": one} for one in dict.fromkeys(ids)])

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


def holding(kept: Iterable[Kept], kind: Kind | None) -> list[Link]:
    """The links that hold, of one kind or (None) of all."""
    return [one.link for one in kept if one.standing == "accepted" and kind in (None, one.link.kind)]


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


def clusters(links: Iterable[Link]) -> list[list[str]]:
    """The records that hang together, each group in order."""
    groups: dict[str, list[str]] = {}
    for record, entity in sorted(entities(links).items()):
        groups.setdefault(entity, []).append(record)
    return list(groups.values())


def _link(told: dict[str, Any]) -> Link:
    evidence = [Agreement(Text(**one["what"]), one["left"], one["right"], one["weight"]) for one in told["evidence"]]
    return Link(told["kind"], told["left"], told["right"], told["method"], told["probability"], tuple(evidence))
