"""What ties firms, record by record: who holds a share in, works for or is reached at more than one of them, and when.

The measures of `features.measures.ties` count such ties; here an auditor reads each of them with its dates, which the
counts leave out: somebody who had left one firm before joining the other is a tie in number and none in fact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.engine import Engine
from features.measures.tables import Tables
from features.measures.ties import HUB, REGISTERS

TOLD_BY = {
    "tender": ("tied_pair_share", "tied_to_winner_share"),
    "supplier": ("tied_rivals", "tied_meeting_share", "tied_owner_rivals", "tied_staff_rivals", "tied_contact_rivals"),
    "supplier_pair": ("ties",),
}
"""Measures that count ties, by kind of entity."""
DETAILS = {
    "org_interest": ("interest_type", "valid_from", "valid_to"),
    "position": ("role", "valid_from", "valid_to"),
    "social_insurance": ("", "since", "until"),
    "contact_point": ("kind", "", ""),
}
"""Columns of each register with a role, a first and a last day; empty where it has none."""
MOST = 40
"""Shared marks that are told."""


@dataclass(frozen=True, slots=True)
class Held:
    """One firm's side of a tie: the record that says so."""

    firm: str
    name: str
    table: str
    role: str
    """Value of the record's own column: interest type, role, kind of contact; empty on the payroll."""
    since: str
    until: str
    """First and last day or month; empty where the record gives none."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A person, an owner or a contact that several firms have in common."""

    kind: str
    """owner, staff or contact."""
    mark: str
    name: str
    """Of an owner that is an organisation; empty for a person, whose name is not in the lake."""
    held: tuple[Held, ...]


def network(engine: Engine, kind: str, entity_id: str, as_of: datetime) -> tuple[Shared, ...]:
    """What the firms of a tender, a supplier and its rivals, or a pair of suppliers have in common as of a moment.

    The marks shared by most of the firms come first, `MOST` at most. Marks that more than `HUB` parties share (a state
    shareholder, an agency's phone) tie nobody and are left out. Empty for any other kind of entity.
    """
    tables = Tables(engine, as_of, keep=False)
    firms = _firms(tables, kind, entity_id)
    if firms is None:
        return ()
    marks = _marks(tables)
    ours = marks.semi_join(firms, "org_id")
    if kind == "supplier":
        ours = ours.semi_join(marks.filter(marks.org_id == entity_id), ["kind", "mark"])
    parties = marks.semi_join(ours, ["kind", "mark"]).group_by("kind", "mark").aggregate(n=ibis._.org_id.nunique())
    # What the firms share among themselves: two of them at least, and no hub of the whole registry.
    here = ours.group_by("kind", "mark").aggregate(firms=ibis._.org_id.nunique()).filter(ibis._.firms >= 2)
    ours = ours.semi_join(here, ["kind", "mark"]).semi_join(parties.filter(parties.n <= HUB), ["kind", "mark"])
    rows = engine.arrow(ours.order_by("kind", "mark", "org_id", "since")).to_pylist()
    names = _names(engine, tables, {row[key] for row in rows for key in ("org_id", "mark")})
    found: dict[tuple[str, str], list[Held]] = defaultdict(list)
    for row in rows:
        told = (str(row[key] or "") for key in ("table", "role", "since", "until"))
        found[row["kind"], row["mark"]].append(Held(row["org_id"], names.get(row["org_id"], row["org_id"]), *told))
    shared = [Shared(kind, mark, names.get(mark, ""), tuple(held)) for (kind, mark), held in found.items()]
    shared.sort(key=lambda one: (-len({held.firm for held in one.held}), one.kind, one.mark))
    return tuple(shared[:MOST])


def _firms(tables: Tables, kind: str, entity_id: str) -> ir.Table | None:
    """`org_id` of the firms that are looked at together."""
    bid = tables.bid
    if kind == "tender":
        return bid.filter(bid.tender_id == entity_id).select(org_id="bidder_id").distinct()
    if kind == "supplier":
        met = bid.filter(bid.bidder_id == entity_id).select("tender_id").distinct()
        return bid.semi_join(met, "tender_id").select(org_id="bidder_id").distinct()
    if kind == "supplier_pair":
        return ibis.memtable({"org_id": entity_id.split("/")})
    return None


def _marks(tables: Tables) -> ir.Table:
    """One row per firm and mark in each register, with the role and the days that the register gives."""
    months = tables.social_insurance
    paid = months.group_by("org_id", "person_id").aggregate(since=months.month.min(), until=months.month.max())
    parts = []
    for one in REGISTERS:
        rows = paid if one.table == "social_insurance" else getattr(tables, one.table)
        told = dict(zip(("role", "since", "until"), DETAILS[one.table], strict=True))
        unsaid = {"role": ibis.literal(""), "since": ibis.null(), "until": ibis.null()}
        said = {name: rows[column] if column else unsaid[name] for name, column in told.items()}
        part = rows.select(
            kind=ibis.literal(one.kind), table=ibis.literal(one.table), org_id=one.firm, mark=one.mark(rows), **said
        )
        parts.append(part.mutate(**{name: part[name].cast("string") for name in part.columns}))
    return ibis.union(*parts)


def _names(engine: Engine, tables: Tables, ids: set[str]) -> dict[str, str]:
    """Names of organisations; whoever is none has no name here."""
    if not ids or not engine.has("organization"):
        return {}
    org = tables.organization
    found = org.filter(org.org_id.isin(sorted(ids))).select("org_id", "name")
    return {row["org_id"]: row["name"] for row in engine.arrow(found).to_pylist()}


def tells_ties(kind: str, measures: Sequence[str]) -> bool:
    """Whether any of these measures counts ties between firms."""
    return not set(TOLD_BY.get(kind, ())).isdisjoint(measures)
