"""Prescriptions as views that institutions and practitioners share: lines, and volume per drug against its peers."""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import ibis
import ibis.expr.types as ir

from features.measures.declare import Rows, ratio, span
from features.measures.tables import Tables, civil, joined, local
from gnomon.terms import Text

MIN_PATIENTS = 10
"""Fewer patients of one drug say nothing about how somebody prescribes it."""
MIN_DRUG_PEERS = 8
"""A drug's norm needs this many prescribers of it with enough patients."""
PLACEHOLDERS = ("匿名", "无", "未知", "测试", "不详", "none", "null", "unknown", "anonymous", "n/a", "na", "-")


HASHED = tuple(sha256(word.encode()).hexdigest() for word in PLACEHOLDERS)
"""What a source that hashes its names without a key makes of them: one doctor called "unknown" in every hospital."""
NOBODY = rf"(?i)^\s*(0*|1+|9+|x+|\*+|{'|'.join(PLACEHOLDERS)})\s*$"
YEAR = 365
BY_COURSE = ("person_id", "item_code")
"""What tells the lines of one patient's drug from others: what the patient still had of it is made of these alone."""


def is_blank(identifier: ir.StringValue) -> ir.BooleanValue:
    """Whether an identifier names nobody: empty, zeros or ones only, or a word such as 匿名.

    Such rows are counted, and never pooled into one entity.
    """
    return identifier.isnull() | identifier.re_search(NOBODY) | identifier.isin(HASHED)


IDS = ("institution_id", "prescriber_id", "item_code")
LINE = ("rx_id", "rx_line")
"""What names a line."""
LINES_KEPT = "lines"
"""The name under which lines are kept."""


def lines(tables: Tables) -> ir.Table:
    """One row per prescribed line, with its drug and what the patient still had of it.

    Where lines are kept, they are without their ids: only evidence asks for these, and it keeps no tables.
    """
    if not tables.keeps("prescription"):
        return _supplied(_drawn(tables))
    drawn = partial(tables.coded, "drawn", "prescription", partial(_drawn, tables), IDS, ("person_id",))
    made = tables.kept(LINES_KEPT, "prescription", lambda: _supplied(drawn().drop(*LINE)))
    tables.forget("drawn")
    return made


def _drawn(tables: Tables) -> ir.Table:
    """The prescribed lines beside their catalogue entry."""
    item = tables.catalog_item.select("item_code", "strength", "ddd", "max_daily_dose", "is_controlled")
    line = joined(tables.prescription.left_join(item, "item_code"))
    active = line.quantity * line.strength
    dose = ibis.coalesce(line.daily_dose, active / line.days_supply.nullif(0.0))
    return line.select(
        "rx_id",
        "rx_line",
        "person_id",
        "institution_id",
        "prescriber_id",
        "item_code",
        "prescribed_at",
        "event_at",
        "days_supply",
        "is_controlled",
        # Without a strength in the catalogue the quantity itself is compared: within one drug the unit is the same.
        volume=line.quantity * ibis.coalesce(line.strength, 1.0),
        ddds=active / line.ddd.nullif(0.0),
        over_dose=dose > line.max_daily_dose,
        blank=is_blank(line.prescriber_id),
    )


def _supplied(line: ir.Table) -> ir.Table:
    runs_out = line.prescribed_at + (line.days_supply * 86_400).round().cast("int64").as_interval("s")
    # Of one moment the shorter supply is the earlier one; what is alike in all that is summed may change places.
    order = ["prescribed_at", "days_supply", *IDS[:2], *(name for name in LINE if name in line.columns)]
    of_patient = ibis.window(group_by=list(BY_COURSE), order_by=order, preceding=(None, 1))
    left_over = span(runs_out.max().over(of_patient), line.prescribed_at)
    at = local(line.prescribed_at)
    return line.select(
        *(name for name in line.columns if name not in ("prescribed_at", "rx_line")),
        night=(at.hour() >= 22) | (at.hour() < 6),
        weekend=civil(line.prescribed_at).day_of_week.index() >= 5,
        day=civil(line.prescribed_at),
        left_over=ibis.least(ibis.greatest(left_over, 0.0), line.days_supply),
    )


def drugs(tables: Tables, key: str, peers: ir.Table) -> ir.Table:
    """One row per prescriber and drug of enough patients, and how many times the peers' median its volume is.

    The peers are those who prescribe this very drug to enough patients: first of the same peer group, else all of
    them. Who has too few of them has no ratio. What ends in `_365d` is of the lines of the
    last 365 days alone.

    Parameters
    ----------
    key:
        Column of the line that names the prescriber: `institution_id` or `prescriber_id`.
    peers:
        `entity_id` and `peer`, the prescriber's peer group.
    """
    drug = frequent(tables, key).rename(entity_id=key)
    drug = joined(drug.filter(~is_blank(drug.entity_id)).left_join(peers, "entity_id"))
    drug = drug.mutate(times=_times(drug, ""), times_365d=_times(drug, "_365d"))
    furthest = drug.times == drug.times.max().over(ibis.window(group_by="entity_id"))
    return drug.select(
        "entity_id",
        "item_code",
        "volume",
        "top",
        "lines",
        "patients",
        "times",
        "times_365d",
        "event_at",
        furthest_patients=ibis.ifelse(furthest, drug.patients, ibis.null()),
        furthest_top=ibis.ifelse(furthest, drug.top / drug.volume.nullif(0.0), ibis.null()),
    )


def own_drugs(tables: Tables, key: str) -> ir.Table:
    """One row per prescriber and drug, with its lines."""
    drug = _pairs(tables, key).select("item_code", "lines", "event_at", entity_id=key)
    return drug if key == "prescriber_id" else drug.filter(~is_blank(drug.entity_id))


def frequent(tables: Tables, key: str) -> ir.Table:
    """One row per prescriber and drug of enough patients to tell how the drug is prescribed.

    With lines, patients and volume, of all time and (`_365d`) of the last 365 days. Lines that name no prescriber are
    left out where prescribers are told apart.
    """

    def found(tables: Tables) -> ir.Table:
        return tables.kept(f"frequent_{key}", "prescription", lambda: _frequent(tables, key))

    return tables.part(f"frequent_{key}", "prescription", (key, "item_code"), found)


def all_lines(tables: Tables, key: str) -> ir.Table:
    """One row per prescriber: `whole`, the lines of all drugs, and `whole_365d`, those of the last 365 days."""
    line = tables.counted(f"all_{key}", "prescription", (key,), (YEAR,), instead=LINES_KEPT)
    return line.select(key, whole="n", whole_365d="n_365d")


def named_lines(tables: Tables, key: str) -> ir.Table:
    """The lines that name a prescriber, where prescribers are told apart; all lines of institutions."""
    line = lines(tables)
    # Whether a prescriber is blank stands beside each line.
    return line.filter(~line.blank) if key == "prescriber_id" else line


def _pairs(tables: Tables, key: str) -> ir.Table:
    """One row per prescriber and drug, with its lines."""

    def made() -> ir.Table:
        line = named_lines(tables, key)
        return line.group_by(key, "item_code").aggregate(lines=line.count(), event_at=line.event_at.max())

    return tables.kept(f"pairs_{key}", "prescription", made)


def _frequent(tables: Tables, key: str) -> ir.Table:
    # Most pairs are of few lines: only of the others it is asked how many patients there are.
    pair = _pairs(tables, key)
    line = of_pairs(named_lines(tables, key), pair.filter(pair.lines >= MIN_PATIENTS), key)
    recent = line.event_at > tables.ago(YEAR)
    patient = line.group_by(key, "item_code", "person_id").aggregate(
        volume=line.volume.sum(),
        volume_365d=ibis.ifelse(recent, line.volume, ibis.null()).sum(),
        top=line.volume.max(),
        lines=line.count(),
        lines_365d=recent.cast("int64").sum(),
        event_at=line.event_at.max(),
    )
    found = patient.group_by(key, "item_code").aggregate(
        volume=patient.volume.sum(),
        volume_365d=patient.volume_365d.sum(),
        heaviest=patient.volume.max(),
        heaviest_365d=patient.volume_365d.max(),
        top=patient.top.max(),
        heaviest_lines=patient.lines.max(),
        lines=patient.lines.sum(),
        lines_365d=patient.lines_365d.sum(),
        patients=patient.count(),
        patients_365d=(patient.lines_365d > 0).cast("int64").sum(),
        event_at=patient.event_at.max(),
    )
    return found.filter(found.patients >= MIN_PATIENTS)


def of_pairs(line: ir.Table, pair: ir.Table, key: str) -> ir.Table:
    """The lines of some pairs of a prescriber and a drug; what is not known is a value like any other."""
    return line.semi_join(pair, [line[name].identical_to(pair[name]) for name in (key, "item_code")])


def _times(drug: ir.Table, window: str) -> ir.FloatingValue:
    """Volume per patient over the peers' median for the same drug.

    The heaviest patient is left out: one slip of a key must not make a case, a practice shows in the others too.
    """
    volume, heaviest, patients = (drug[f"{name}{window}"] for name in ("volume", "heaviest", "patients"))
    per = ibis.ifelse(patients >= MIN_PATIENTS, (volume - heaviest) / (patients - 1), ibis.null())
    near = ibis.window(group_by=["item_code", "peer"])
    far = ibis.window(group_by="item_code")
    usual = ibis.cases(
        (per.count().over(near) >= MIN_DRUG_PEERS, per.median().over(near)),
        (per.count().over(far) >= MIN_DRUG_PEERS, per.median().over(far)),
        else_=ibis.null("float64"),
    )
    return per / usual.nullif(0.0)


OVERLAP = Text("供药天数重叠占比", "share of overlapping days of supply")


def days_supply_overlap_share(rows: Rows) -> ir.Value:
    """Share of the days of supply prescribed while the patient still had as many of the same drug."""
    return ratio(rows.left_over.fill_null(0.0).sum(), rows.days_supply.sum())
