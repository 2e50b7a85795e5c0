"""The peer of the feature benchmark in SQL: the same profile columns, written by hand for DuckDB.

Each derived value is computed once in a temporary table, as a careful analyst would, and every profile is one query.
"""

from __future__ import annotations

import duckdb
import pandas as pd

BLANK = (
    r"regexp_matches({0}, '(?i)^\s*(0*|1+|9+|x+|\*+|匿名|无|未知|测试|不详|none|null|unknown|anonymous|n/a|na|-)\s*$')"
)

LINE = """
CREATE TEMP TABLE line AS
WITH drawn AS (
  SELECT p.person_id, p.institution_id, p.prescriber_id, p.item_code, p.rx_id, p.rx_line,
         p.prescribed_at::TIMESTAMP AS made, p.days_supply, i.is_controlled,
         p.quantity * coalesce(i.strength, 1.0) AS volume,
         p.quantity * i.strength / nullif(i.ddd, 0) AS ddds,
         coalesce(p.daily_dose, p.quantity * i.strength / nullif(p.days_supply, 0)) > i.max_daily_dose AS over_dose,
         {blank} AS blank
  FROM prescription p LEFT JOIN catalog_item i USING (item_code)
)
SELECT person_id, institution_id, prescriber_id, item_code, made, days_supply, is_controlled, volume, ddds, over_dose,
       blank, (made + INTERVAL 8 HOUR)::DATE AS day, isodow(made + INTERVAL 8 HOUR) >= 6 AS weekend,
       CASE WHEN epoch(made)::BIGINT % 3600 <> 0
            THEN hour(made + INTERVAL 8 HOUR) >= 22 OR hour(made + INTERVAL 8 HOUR) < 6 END AS night,
       made > TIMESTAMP '{now}' - INTERVAL 365 DAY AS y, made > TIMESTAMP '{now}' - INTERVAL 90 DAY AS q,
       least(greatest(epoch(max(made + to_seconds((days_supply * 86400)::BIGINT)) OVER before - made) / 86400, 0),
             days_supply) AS left_over
FROM drawn
WINDOW before AS (PARTITION BY person_id, item_code ORDER BY made, rx_id, rx_line
                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
"""

COMMON = """
  count(*) AS rx_lines, count(*) FILTER (y) AS rx_lines_365d, count(*) FILTER (q) AS rx_lines_90d,
  count(*) / count(DISTINCT person_id) AS rx_lines_per_patient,
  count(*) FILTER (y) / nullif(count(DISTINCT person_id) FILTER (y), 0) AS rx_lines_per_patient_365d,
  count(*) FILTER (q) / nullif(count(DISTINCT person_id) FILTER (q), 0) AS rx_lines_per_patient_90d,
  sum(ddds) / nullif(count(DISTINCT person_id) FILTER (ddds IS NOT NULL), 0) AS ddd_per_patient,
  sum(ddds) FILTER (y) / nullif(count(DISTINCT person_id) FILTER (y AND ddds IS NOT NULL), 0) AS ddd_per_patient_365d,
  sum(ddds) FILTER (q) / nullif(count(DISTINCT person_id) FILTER (q AND ddds IS NOT NULL), 0) AS ddd_per_patient_90d,
  avg(over_dose::INT) AS over_max_dose_share, avg(over_dose::INT) FILTER (y) AS over_max_dose_share_365d,
  avg(over_dose::INT) FILTER (q) AS over_max_dose_share_90d,
  coalesce(sum(left_over), 0) / nullif(sum(days_supply), 0) AS days_supply_overlap_share,
"""

INSTITUTION = f"""
CREATE TEMP TABLE institution_lines AS
SELECT institution_id AS entity_id, {COMMON}
  avg(blank::INT) AS blank_prescriber_share, avg(is_controlled::INT) AS controlled_share
FROM line GROUP BY 1
"""

PRACTITIONER = f"""
CREATE TEMP TABLE practitioner_lines AS
SELECT prescriber_id AS entity_id, {COMMON}
  count(DISTINCT person_id) AS rx_patients, count(DISTINCT person_id) FILTER (y) AS rx_patients_365d,
  count(DISTINCT person_id) FILTER (q) AS rx_patients_90d,
  count(DISTINCT institution_id) AS institutions, avg(night::INT) AS night_share, avg(weekend::INT) AS weekend_share,
  count(*) FILTER (q) / 90 / nullif(CASE WHEN count(*) FILTER (early) >= 20 THEN count(*) FILTER (early) / 365 END, 0)
    AS growth
FROM (SELECT *, made > TIMESTAMP '{{now}}' - INTERVAL 455 DAY AND NOT q AS early FROM line WHERE NOT blank) GROUP BY 1
"""

DRUG = """
CREATE TEMP TABLE {table} AS
WITH patient AS (
  SELECT {key} AS entity_id, item_code, person_id, count(*) AS lines, count(*) FILTER (y) AS lines_y,
         sum(volume) AS volume, sum(volume) FILTER (y) AS volume_y
  FROM line WHERE {named} GROUP BY ALL
)
SELECT entity_id, item_code, sum(lines) AS lines, sum(lines_y) AS lines_y, max(lines) AS most,
       count(*) AS patients, count(*) FILTER (lines_y > 0) AS patients_y, sum(volume) AS volume,
       sum(volume_y) AS volume_y, max(volume) AS heaviest, max(volume_y) AS heaviest_y
FROM patient GROUP BY ALL
"""

TIMES = """
WITH per AS (
  SELECT d.*, coalesce(peer, {nobody}) AS peer,
         CASE WHEN patients >= 10 THEN (volume - heaviest) / (patients - 1) END AS per,
         CASE WHEN patients_y >= 10 THEN (volume_y - heaviest_y) / (patients_y - 1) END AS per_y
  FROM {table} d LEFT JOIN peer p USING (entity_id)
), usual AS (
  SELECT *, CASE WHEN count(per) OVER near >= 8 THEN median(per) OVER near
                 WHEN count(per) OVER far >= 8 THEN median(per) OVER far END AS norm,
            CASE WHEN count(per_y) OVER near >= 8 THEN median(per_y) OVER near
                 WHEN count(per_y) OVER far >= 8 THEN median(per_y) OVER far END AS norm_y
  FROM per WINDOW near AS (PARTITION BY item_code, peer), far AS (PARTITION BY item_code)
), times AS (SELECT *, per / nullif(norm, 0) AS times, per_y / nullif(norm_y, 0) AS times_y FROM usual)
SELECT entity_id, max(times) AS rx_times_norm, max(times_y) AS rx_times_norm_365d,
       max(patients) FILTER (times = furthest) AS rx_times_norm_patients,
       sum((times >= 5)::INT) AS rx_times_norm_drugs, max(lines) / sum(lines) AS top_drug_share {more}
FROM (SELECT *, max(times) OVER (PARTITION BY entity_id) AS furthest FROM times) GROUP BY 1
"""

DAYS = """
SELECT entity_id, max(patients) AS patients_per_day_max, max(patients) FILTER (y) AS patients_per_day_max_365d,
       max(patients) FILTER (q) AS patients_per_day_max_90d, avg(patients) AS patients_per_day,
       count(*) FILTER (places > 1) AS many_place_days
FROM (SELECT prescriber_id AS entity_id, day, count(DISTINCT person_id) AS patients,
             count(DISTINCT institution_id) AS places, bool_or(y) AS y, bool_or(q) AS q
      FROM line WHERE NOT blank GROUP BY 1, 2) GROUP BY 1
"""

PATIENTS = """
SELECT entity_id, max(n) / CASE WHEN count(*) >= 10 THEN sum(n) END AS top_patient_share
FROM (SELECT prescriber_id AS entity_id, person_id, count(*) AS n FROM line WHERE NOT blank GROUP BY 1, 2) GROUP BY 1
"""

PAIRS = """
WITH doses AS (
  SELECT institution_id AS entity_id, item_code, sum(ddds) AS ddds, sum(over_dose::INT) AS over,
         count(over_dose) AS doses, sum(left_over) AS left_over, sum(days_supply) AS days
  FROM line GROUP BY ALL
), doctors AS (
  SELECT entity_id, item_code, max(n) AS most_by_one, sum(n) AS named, count(*) AS prescribers
  FROM (SELECT institution_id AS entity_id, item_code, prescriber_id, count(*) AS n
        FROM line WHERE NOT blank GROUP BY ALL) GROUP BY ALL
), whole AS (SELECT entity_id, sum(lines) AS whole, sum(lines_y) AS whole_y FROM drug_institution GROUP BY 1)
SELECT entity_id || '/' || item_code AS entity_id, lines AS rx_lines, lines_y AS rx_lines_365d,
       patients AS rx_patients, patients_y AS rx_patients_365d,
       (volume - heaviest) / (patients - 1) AS volume_per_patient,
       CASE WHEN patients_y >= 10 THEN (volume_y - heaviest_y) / (patients_y - 1) END AS volume_per_patient_365d,
       lines / patients AS lines_per_patient, lines_y / nullif(patients_y, 0) AS lines_per_patient_365d,
       lines / whole AS line_share, lines_y / nullif(whole_y, 0) AS line_share_365d, ddds / patients AS ddd_per_patient,
       over / nullif(doses, 0) AS over_max_dose_share,
       coalesce(left_over, 0) / nullif(days, 0) AS days_supply_overlap_share,
       most / lines AS top_patient_share, most_by_one / named AS top_prescriber_share, prescribers,
       lines_y / CASE WHEN lines - lines_y >= 10 THEN lines - lines_y END AS growth
FROM drug_institution JOIN doses USING (entity_id, item_code) LEFT JOIN doctors USING (entity_id, item_code)
JOIN whole USING (entity_id) WHERE patients >= 10
"""

PLACE = """SELECT org_id AS entity_id, list_extract(roles, 1) AS kind, level, ownership, region_code AS region
           FROM organization"""
DOCTOR = """SELECT person_id AS entity_id, specialty_code AS specialty, level
            FROM position JOIN organization USING (org_id) WHERE role IN ('doctor', 'pharmacist')
            QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY valid_from DESC, position_id) = 1"""

NORM = """
WITH long AS (UNPIVOT (SELECT * EXCLUDE ({attributes}), {attributes} FROM {values})
              ON COLUMNS(* EXCLUDE (entity_id, {attributes}))
              INTO NAME name VALUE x),
middle AS (SELECT {group}, name, count(*) AS n, median(x) AS median, quantile_cont(x, 0.05) AS low,
                  quantile_cont(x, 0.95) AS high FROM long WHERE isfinite(x) GROUP BY ALL)
SELECT {group}, name, any_value(n) AS n, any_value(median) AS median, any_value(low) AS low, any_value(high) AS high,
       1.4826 * median(abs(x - median)) AS spread
FROM long JOIN middle USING ({group}, name) GROUP BY ALL HAVING any_value(n) >= 20
"""

PEERS = {
    "institution": (("kind", "level", "ownership"), ("kind", "level"), ("kind",)),
    "practitioner": (("specialty", "level"), ("specialty",)),
    "drug_institution": (("drug", "level", "region"), ("drug", "level"), ("drug",)),
}


def profiles(files: dict[str, list[str]], now: str, threads: int, memory: str) -> dict[str, pd.DataFrame]:
    """Values by kind of entity; norms of every column in every peer group are computed on the way."""
    db = duckdb.connect(config={"threads": threads, "memory_limit": memory, "preserve_insertion_order": False})
    db.execute("SET TimeZone = 'UTC'")
    for table, paths in files.items():
        db.read_parquet(paths).create_view(table)
    db.execute(LINE.format(blank=BLANK.format("p.prescriber_id"), now=now))
    db.execute(INSTITUTION)
    db.execute(PRACTITIONER.format(now=now))
    db.execute(DRUG.format(table="drug_institution", key="institution_id", named="true"))
    db.execute(DRUG.format(table="drug_practitioner", key="prescriber_id", named="NOT blank"))
    db.execute(f"CREATE TEMP TABLE place AS {PLACE}")
    db.execute(f"CREATE TEMP TABLE doctor AS {DOCTOR}")
    db.execute("CREATE TEMP TABLE peer AS SELECT entity_id, kind || '/' || level AS peer FROM place")
    more = ", median(times) AS rx_times_norm_median, count(*) AS drugs_count"
    db.execute(_stored("institution_drugs", TIMES.format(table="drug_institution", nobody="'/'", more=more)))
    db.execute("CREATE OR REPLACE TEMP TABLE peer AS SELECT entity_id, specialty AS peer FROM doctor")
    db.execute(_stored("practitioner_drugs", TIMES.format(table="drug_practitioner", nobody="''", more="")))
    db.execute(_stored("practitioner_days", DAYS))
    db.execute(_stored("practitioner_patients", PATIENTS))
    db.execute(_stored("institution", "SELECT * FROM institution_lines LEFT JOIN institution_drugs USING (entity_id)"))
    parts = ("drugs", "days", "patients")
    joins = " ".join(f"LEFT JOIN practitioner_{part} USING (entity_id)" for part in parts)
    db.execute(_stored("practitioner", f"SELECT * FROM practitioner_lines {joins}"))
    db.execute(_stored("pairs", PAIRS))
    attributes = {
        "institution": "LEFT JOIN place USING (entity_id)",
        "practitioner": "LEFT JOIN doctor USING (entity_id)",
        "pairs": "",
    }
    found = {}
    for kind, levels in PEERS.items():
        table = "pairs" if kind == "drug_institution" else kind
        found[kind] = db.execute(f"SELECT * FROM {table}").df().set_index("entity_id").sort_index()
        known = f"SELECT * FROM {table} {attributes[table]}"
        if table == "pairs":
            parts_of = "split_part(entity_id, '/', 1) AS place_id, split_part(entity_id, '/', 2) AS drug"
            known = (
                f"SELECT t.*, level, region FROM (SELECT *, {parts_of} FROM pairs) t "
                "LEFT JOIN place p ON p.entity_id = t.place_id"
            )
        numbers = ", ".join(f"{column}::DOUBLE AS {column}" for column in found[kind].columns)
        names = ", ".join(dict.fromkeys(name for level in levels for name in level))
        db.execute(_stored(f"{kind}_known", f"SELECT entity_id, {names}, {numbers} FROM ({known})"))
        for level in levels:
            norm = NORM.format(values=f"{kind}_known", attributes=names, group=", ".join(level))
            db.execute(norm).df()
    db.close()
    return found


def _stored(name: str, query: str) -> str:
    return f"CREATE TEMP TABLE {name} AS {query}"
