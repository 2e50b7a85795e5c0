"""What ties two firms: owners, officers, staff and contacts in common."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.tables import Tables, joined

HUB = 5
"""A value shared by more parties than this is a hub (an agency's phone, a state shareholder) and ties nobody."""
TABLES = ("org_interest", "position", "social_insurance", "contact_point")


REGISTRIES = {
    "ties": TABLES,
    "owners": ("org_interest",),
    "staff": ("position", "social_insurance"),
    "contacts": ("contact_point",),
}
"""Which tables have to be there before none is said: what a register that is not there would tell is unknown."""


def with_ties(pair: ir.Table, tables: Tables) -> ir.Table:
    """The pairs `bidder_id`, `other_id` with the number of `owners`, `staff`, `contacts` in common and `ties` in all.

    Ties that are known count, whichever register tells them. None is a statement about every register: it is null
    where one of them is not there.
    """
    pair = joined(pair.left_join(_tied(tables), ["bidder_id", "other_id"]))
    pair = pair.drop("bidder_id_right", "other_id_right")
    none = {kind: 0 if all(map(tables.has, names)) else None for kind, names in REGISTRIES.items()}
    return pair.mutate(
        **{kind: ibis.ifelse(pair[kind] > 0, pair[kind], ibis.literal(zero, "int64")) for kind, zero in none.items()}
    )


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
        owners=pair.mark.count(where=pair.kind == "owner"),
        staff=pair.mark.count(where=pair.kind == "staff"),
        contacts=pair.mark.count(where=pair.kind == "contact"),
    )


def _marks(tables: Tables) -> ir.Table:
    interest, position = tables.org_interest, tables.position
    insured, contact = tables.social_insurance, tables.contact_point
    # Registries overlap: one person on the payroll and on the board is one mark, not two.
    return ibis.union(
        interest.select("org_id", kind=ibis.literal("owner"), mark="holder_id"),
        position.select("org_id", kind=ibis.literal("staff"), mark="person_id"),
        insured.select("org_id", kind=ibis.literal("staff"), mark="person_id"),
        contact.select(org_id="party_id", kind=ibis.literal("contact"), mark=contact.kind + ":" + contact.value_norm),
        distinct=True,
    )
