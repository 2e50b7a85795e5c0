"""What ties two firms: owners, officers, staff and contacts in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.measures.tables import Tables, joined

HUB = 5
"""A value shared by more parties than this is a hub (an agency's phone, a state shareholder) and ties nobody."""


@dataclass(frozen=True, slots=True)
class Register:
    """A table that says what a firm may have in common with others."""

    table: str
    kind: str
    """owner, staff or contact."""
    firm: str
    """Column of the firm."""
    mark: Callable[[ir.Table], ir.Value]
    """What two firms have in common when it is the same."""


REGISTERS = (
    Register("org_interest", "owner", "org_id", lambda row: row.holder_id),
    Register("position", "staff", "org_id", lambda row: row.person_id),
    Register("social_insurance", "staff", "org_id", lambda row: row.person_id),
    Register("contact_point", "contact", "party_id", lambda row: row.kind + ":" + row.value_norm),
)
NUMBERS = {"owners": "owner", "staff": "staff", "contacts": "contact"}
"""Columns that number the ties of one kind."""


def with_ties(pair: ir.Table, tables: Tables) -> ir.Table:
    """The pairs `bidder_id`, `other_id` with the number of `owners`, `staff`, `contacts` in common and `ties` in all.

    Ties that are known count, whichever register tells them. None is a statement about every register: it is null
    where one of them is not there.
    """
    pair = joined(pair.left_join(_tied(tables), ["bidder_id", "other_id"]))
    pair = pair.drop("bidder_id_right", "other_id_right")
    needed = {name: [one for one in REGISTERS if one.kind == kind] for name, kind in NUMBERS.items()}
    none = {
        name: ibis.literal(0 if all(tables.has(one.table) for one in registers) else None, "int64")
        for name, registers in (needed | {"ties": list(REGISTERS)}).items()
    }
    return pair.mutate(**{name: ibis.ifelse(pair[name] > 0, pair[name], zero) for name, zero in none.items()})


def _tied(tables: Tables) -> ir.Table:
    marks = _marks(tables)
    parties = marks.group_by("kind", "mark").aggregate(parties=marks.org_id.nunique())
    rare = parties.filter((parties.parties >= 2) & (parties.parties <= HUB)).select("kind", "mark")
    marks = marks.semi_join(rare, ["kind", "mark"]).distinct()
    left = marks.select("kind", "mark", bidder_id="org_id")
    right = marks.select("kind", "mark", other_id="org_id")
    pair = left.inner_join(right, ["kind", "mark"]).select("kind", "mark", "bidder_id", "other_id")
    pair = pair.filter(pair.bidder_id != pair.other_id)
    return pair.group_by("bidder_id", "other_id").aggregate(
        ties=pair.mark.count(),
        **{name: pair.mark.count(where=pair.kind == kind) for name, kind in NUMBERS.items()},
    )


def _marks(tables: Tables) -> ir.Table:
    rows = ((one, getattr(tables, one.table)) for one in REGISTERS)
    told = (row.select(org_id=one.firm, kind=ibis.literal(one.kind), mark=one.mark(row)) for one, row in rows)
    # Registries overlap: one person on the payroll and on the board is one mark, not two.
    return ibis.union(*told, distinct=True)
