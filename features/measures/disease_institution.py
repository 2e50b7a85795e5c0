"""Diseases in institutions: how dear, how long and how complicated one institution's cases of a disease are made."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, span
from features.measures.institution import INSTITUTION
from features.measures.institution import attributes as institutions
from features.measures.prescribing import is_blank
from features.measures.stay import charges
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

FEWEST = 10
"""Fewer cases of a disease say nothing about how an institution treats it."""


def cases(tables: Tables) -> ir.Table:
    """One row per stay, beside what stays of the same disease, age and grade of complication cost everywhere."""
    person = tables.person.select("person_id", "birth_date")
    stay = joined(tables.admission.left_join(person, "person_id").drop("person_id_right"))
    spent = charges(tables)
    spent = spent.group_by("entity_id").aggregate(
        total=spent.amount.sum(), exam=spent.exam.sum(), therapy=spent.therapy.sum()
    ).rename(admission_id="entity_id")  # fmt: skip
    stay = joined(stay.left_join(spent, "admission_id").drop("admission_id_right"))
    age = (span(stay.admit_at, stay.birth_date.cast("timestamp")) / 3652.5).floor()
    nights = span(stay.discharge_at, stay.admit_at)
    stay = stay.mutate(
        dx=stay.dx_primary.substr(0, 3).nullif(""), decade=age, long=ibis.ifelse(nights > 7, 1, 0),
        complicated=stay.cc_level.isin(["CC", "MCC"]),
    )  # fmt: skip

    def elsewhere(column: ir.NumericValue, *like: str) -> ir.FloatingValue:
        """Mean over the stays of other institutions that are alike: a habit is not its own expectation."""
        all_, own = ibis.window(group_by=list(like)), ibis.window(group_by=[*like, "institution_id"])
        n = column.count().over(all_) - column.count().over(own)
        return (column.sum().over(all_) - column.sum().over(own)) / n.nullif(0)

    def excess(column: ir.FloatingColumn) -> ir.FloatingValue:
        log = (column + 1.0).log()
        return log - elsewhere(log, "dx", "decade", "cc_level")

    return stay.filter(~is_blank(stay.institution_id) & stay.dx.notnull()).select(
        "admission_id", "event_at", "institution_id", "dx", "complicated", "total",
        entity_id=pair_id(stay.institution_id, stay.dx),
        exam_excess=excess(stay.exam), therapy_excess=excess(stay.therapy), total_excess=excess(stay.total),
        expected=elsewhere(stay.complicated.cast("float64"), "dx", "decade", "long"),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Pairs with the disease and what the institution is."""
    case = cases(tables)
    pair = case.group_by("entity_id", "institution_id", "dx").aggregate(cases=case.count())
    pair = pair.filter(pair.cases >= FEWEST)
    place = institutions(tables).select("level", "region", "name", institution_id="entity_id")
    pair = joined(pair.left_join(place, "institution_id").drop("institution_id_right"))
    return pair.select("entity_id", "name", "level", "region", disease="dx", institution="institution_id")


DISEASE_INSTITUTION = Entity(
    "disease_institution",
    Text("机构病种", "disease in an institution"),
    attributes,
    peers=(("disease", "level", "region"), ("disease", "level"), ("disease",), ()),
    attribute_titles={
        "disease": Text("病种", "disease"),
        "region": Text("地区", "region"),
        **{name: title for name, title in INSTITUTION.attribute_titles.items() if name.startswith("level")},
    },
    tables=("admission",),
)


def enough(tables: Tables) -> ir.Table:
    """The cases of pairs with ten or more."""
    case = cases(tables)
    case = case.mutate(n=case.count().over(ibis.window(group_by="entity_id")))
    return case.filter(case.n >= FEWEST)


CASES = View("cases", enough, ("admission",), "admission", "admission_id")
DEAR = View("dear", enough, ("admission", "claim", "claim_item", "catalog_item"), "admission", "admission_id")


@DISEASE_INSTITUTION.measure(CASES, Text("病例数", "cases"), "", Direction.NONE, log=True)
def cases_count(rows: Rows) -> ir.Value:
    """Stays for the disease."""
    return rows.count()


@DISEASE_INSTITUTION.share(CASES, Text("并发症占比", "share with complications"))
def complication_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays coded with a complication (CC or MCC)."""
    return rows.complicated


@DISEASE_INSTITUTION.measure(
    CASES, Text("并发症占比超出期望", "complications over expected"), "%",
    behind=Behind(where=lambda r: r.complicated),
)  # fmt: skip
def complication_gap(rows: Rows) -> ir.Value:
    """Share with complications less that among other institutions' stays of like disease, decade of age and length.

    Indirect standardisation: Breslow and Day (1987), Statistical Methods in Cancer Research II, chapter 2.
    """
    known = ibis.ifelse(rows.expected.notnull(), rows.complicated.cast("float64"), ibis.null())
    return known.mean() - ibis.ifelse(rows.complicated.notnull(), rows.expected, ibis.null()).mean()


@DISEASE_INSTITUTION.measure(
    DEAR, Text("检查费超出期望", "examinations over expected"), "", behind=Behind(weigh=lambda r: r.exam_excess)
)
def exam_excess(rows: Rows) -> ir.Value:
    """Mean log excess of examinations over other institutions' stays of like disease, age and complication."""
    return rows.exam_excess.mean()


@DISEASE_INSTITUTION.measure(
    DEAR, Text("治疗费超出期望", "therapy over expected"), "", behind=Behind(weigh=lambda r: r.therapy_excess)
)
def therapy_excess(rows: Rows) -> ir.Value:
    """Mean log excess of therapy over other institutions' stays of like disease, age and complication."""
    return rows.therapy_excess.mean()


@DISEASE_INSTITUTION.measure(
    DEAR, Text("总费用超出期望", "cost over expected"), "", behind=Behind(weigh=lambda r: r.total_excess)
)
def cost_excess(rows: Rows) -> ir.Value:
    """Mean log excess of all that was charged over other institutions' stays of like disease, age and complication."""
    return rows.total_excess.mean()
