"""What ties the firms of a warning: read record by record, with dates, and drawn on the warning's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.contracts import contract_of
from features.engine import Engine
from features.lake import Lake
from features.measures import entities
from features.network import TOLD_BY, network
from gnomon.config import Settings
from serving import report, ties
from serving.api.schemas_ties import TiesOut
from serving.console import pages
from tests.features.profile_rows import bids, day, table, tender
from tests.serving.conftest import warned

AS_OF = datetime(2030, 1, 1, tzinfo=UTC)


def registry() -> dict[str, list[dict[str, Any]]]:
    """F1 and F2 bid for T001 and share an owner, a person and a phone; F3 bids too and shares only a hub's phone."""
    owner = {"holder_id": "P1", "holder_kind": "person", "interest_type": "shareholding", "directness": "direct"}
    hub = [{"party_id": f"X{n}", "kind": "phone", "value_norm": "0800"} for n in range(6)]
    return {
        "tender": [tender(1, day(1))],
        "bid": bids(1, {"F1": 90.0, "F2": 100.0, "F3": 110.0}),
        "organization": [
            {"org_id": f"F{n}", "name": f"Firm {n}", "roles": ["supplier"], "region_code": "460100"}
            for n in (1, 2, 3)
        ],
        "org_interest": [
            {"interest_id": f"I{n}", "org_id": f"F{n}", "valid_from": date(2010, 3, n), **owner} for n in (1, 2)
        ],
        "position": [
            {"position_id": "Q1", "person_id": "P2", "org_id": "F1", "role": "finance",
             "valid_from": date(2012, 1, 1), "is_public_official": False,
             "valid_to": date(2014, 6, 30)},
            {"position_id": "Q2", "person_id": "P2", "org_id": "F2", "role": "executive",
             "valid_from": date(2016, 1, 1), "is_public_official": False},
        ],
        "contact_point": [
            *({"party_id": f"F{n}", "kind": "phone", "value_norm": "0999"} for n in (1, 2)),
            *({"party_id": f"F{n}", "kind": "phone", "value_norm": "0800"} for n in (1, 3)),
            *hub,
        ],
    }  # fmt: skip


def tables() -> dict[str, pa.Table]:
    return {name: table(name, rows) for name, rows in registry().items()}


def test_every_measure_that_counts_ties_exists() -> None:
    for kind, measures in TOLD_BY.items():
        assert set(measures) <= set(entities()[kind].measures)


def test_each_tie_is_told_with_its_records_and_dates_and_a_hub_ties_nobody() -> None:
    found = network(Engine.of(tables()), "tender", "T001", AS_OF)
    assert [(one.kind, one.mark) for one in found] == [("contact", "phone:0999"), ("owner", "P1"), ("staff", "P2")]
    assert {held.name for one in found for held in one.held} == {"Firm 1", "Firm 2"}
    left, came = found[2].held
    assert (left.role, left.since, left.until) == ("finance", "2012-01-01", "2014-06-30")
    assert (came.role, came.since, came.until) == ("executive", "2016-01-01", "")


def test_a_supplier_is_told_its_own_ties_and_a_pair_those_of_the_two() -> None:
    engine = Engine.of(tables())
    assert network(engine, "supplier", "F3", AS_OF) == ()
    assert {one.kind for one in network(engine, "supplier", "F1", AS_OF)} == {"owner", "staff", "contact"}
    assert len(network(engine, "supplier_pair", "F1/F2", AS_OF)) == 3
    assert network(engine, "institution", "F1", AS_OF) == ()


def test_the_page_of_a_warning_draws_the_ties_and_says_which_records_it_is_read_from(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path)
    lake = Lake(settings.lake_url)
    for name, rows in tables().items():
        lake.commit(name, rows.select(list(contract_of(name).by_name)), "test", name)
    one = warned("T001", "pw-shared-control")
    reason = replace(one.reasons[0], measure="tied_pair_share", evidence=())
    warning = replace(
        one, entity_kind="tender", as_of=AS_OF, lake_version=lake.version, reasons=(reason, *one.reasons[1:])
    )
    found = ties.ties(settings, warning)
    assert found is not None
    assert [point.name for point in found.drawn.firms] == ["Firm 1", "Firm 2"]
    assert len(found.drawn.lines) == 6
    shown = pages.shown(settings, {}, warning)
    for language, said in (("en", "What ties the firms"), ("zh", "企业之间的关联")):
        page = report.page(shown, language)
        assert said in page
        assert "<td>2014-06-30</td>" in page
    assert "Taken from all records up to 2030-01-01." in report.page(shown, "en")
    assert "取自 2029-01-01 至 2030-01-01 的记录。" in report.page(shown, "zh")
    assert ties.ties(settings, replace(warning, reasons=one.reasons)) is None, "no reason counts ties"
    assert ties.ties(settings, replace(warning, lake_version=99)) is None, "the lake is another one"


def test_the_ties_are_told_over_http_and_are_empty_where_no_reason_counts_them(place: Any) -> None:
    answer = place.client.get("/v1/warnings/1/ties", headers=place.by("auditor"))
    assert (answer.status_code, answer.json()) == (200, {"lake_version": 1, "shared": []})
    shared = network(Engine.of(tables()), "tender", "T001", AS_OF)
    told = TiesOut.of(3, ties.Ties(shared, ties.drawing(shared))).model_dump()
    assert [one["kind"] for one in told["shared"]] == ["contact", "owner", "staff"]
    assert told["shared"][2]["held"][0]["until"] == "2014-06-30"
