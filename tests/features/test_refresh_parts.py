"""What a refresh reads of the records, and the numbers that it keeps beside the profiles."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import ibis.expr.types as ir

from features.engine import Engine
from features.measures import entities
from features.measures.tables import Tables
from features.refresh.plan import plan_of, plan_of_view
from features.refresh.refresh import refresh
from tests.features.random_rows import DAYS, START, arrow, drawn
from tests.features.test_refresh import assert_same, filled, rebuilt, refreshed


def read(table: str, make: object) -> set[str]:
    assert callable(make)
    return {column for of, column in plan_of(Engine.of({}), START, make).columns if of == table}


def test_columns_without_a_say_in_a_view_are_not_read() -> None:
    kind = entities()["institution"]
    (view,) = (one for one in kind.views if one.name == "prescriptions")
    columns = {name for of, name in plan_of_view(Engine.of({}), START, kind, view).columns if of == "prescription"}
    assert {"person_id", "item_code", "quantity", "days_supply", "prescribed_at", "prescriber_id"} <= columns
    assert not {"claim_id", "dx_codes", "rx_type", "_source", "_row_hash"} & columns


def test_what_chooses_rows_has_a_say() -> None:
    def chosen(tables: Tables) -> ir.Table:
        charged = tables.claim_item.filter(tables.claim_item.amount > 0)
        claim = tables.claim.inner_join(charged, "claim_id")
        return claim.filter(claim.claim_type == "inpatient").order_by("total_amount").select("person_id")

    assert {"claim_id", "claim_type", "total_amount", "person_id"} <= read("claim", chosen)
    assert {"claim_id", "amount"} <= read("claim_item", chosen)
    assert "line_id" not in read("claim_item", chosen)


def test_every_column_tells_distinct_rows_and_subqueries_apart() -> None:
    def twice(tables: Tables) -> ir.Table:
        pair = tables.claim.select("person_id", "institution_id").distinct()
        known = tables.organization.filter(tables.organization.level == "3")
        return pair.filter(pair.institution_id.isin(known.org_id)).select("person_id")

    assert {"person_id", "institution_id"} <= read("claim", twice)
    assert {"org_id", "level"} <= read("organization", twice)


def test_numbers_follow_lines_that_come_and_are_corrected_away(tmp_path: Path) -> None:
    lake = filled(tmp_path / "lake", "practitioner", 2)
    refreshed(lake, "practitioner", tmp_path / "profiles")
    line = drawn("prescription", [5000], 3)[0] | {"prescribed_at": START + timedelta(days=DAYS - 3)}
    for number, who in enumerate(("newcomer", "person1")):
        lake.commit("prescription", arrow("prescription", [line | {"prescriber_id": who}]), "test", str(number))
        made = refreshed(lake, "practitioner", tmp_path / "profiles")
        assert ("newcomer" in made.profiles.values.index) == (who == "newcomer")
        assert_same(made.profiles, rebuilt(lake, "practitioner"))


def test_where_sums_depend_on_the_order_of_rows_nothing_is_added_up(tmp_path: Path) -> None:
    lake = filled(tmp_path / "lake", "practitioner", 2)
    engine = Engine.open(lake, threads=1)
    engine.repeats = False
    made = refresh(engine, "practitioner", min_peers=3)
    assert (made.against, made.state.firsts) == ("features.refresh.engine", {})
    assert_same(made.profiles, rebuilt(lake, "practitioner"))


def test_rows_chosen_as_they_are_stored_are_read_as_the_contract_has_them(tmp_path: Path) -> None:
    engine = Engine.open(filled(tmp_path / "lake", "institution", 2), threads=1)
    whole = engine.table("prescription")
    some = engine.some("prescription", lambda rows: rows.filter(rows.person_id == "person1"))
    order = ["rx_id", "rx_line"]
    found, expected = (engine.arrow(one.order_by(order)) for one in (some, whole.filter(whole.person_id == "person1")))
    assert found.num_rows > 0
    assert found.equals(expected)
