"""The mixes of reasons and outcomes, of all warnings and of each source's entities: what moves and stays is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from cases import people, queue, service, store
from cases.workflow import Action, Role
from cases.worth import Came
from features.contracts import contract_of
from features.lake import Lake
from gnomon.config import Settings
from gnomon.database import snapshot, transaction
from gnomon.terms import Outcome, Reason, Severity, Text, Warned
from monitoring import job_store
from monitoring.mix import Watched, alerts, mixed, together
from serving import mixes
from serving.watching import looked

NOW = datetime(2026, 6, 30, tzinfo=UTC)


def came(number: int, days: float, reason: str, source: str | None, outcome: Outcome | None = None) -> Came:
    """A warning so many days ago; a closed case was closed on the day it was opened."""
    at = NOW - timedelta(days=days)
    return Came(
        "W001", "rules@a", "medical", "institution", None, at, 0.9, reason, number, at, at, at if outcome else None,
        outcome, Decimal(0), Decimal(0), source,
    )  # fmt: skip


def year(lately: dict[str, str], since: float = 60.0) -> list[Came]:
    """For each source 200 warnings over 300 days for two reasons in turn, and 60 of late for one of its own."""
    rows = []
    for place, (source, reason) in enumerate(lately.items()):
        past = [came(place * 1000 + n, 91 + n, ("dose", "price")[n % 2], source) for n in range(200)]
        young = [
            came(
                place * 1000 + 500 + n, since * n / 60, reason if reason != "both" else ("dose", "price")[n % 2], source
            )
            for n in range(60)
        ]
        rows += [*past, *young]
    return rows


def found(rows: list[Came], now: datetime = NOW) -> dict[str, Watched]:
    return {one.key: one for one in mixes.mixes(rows, now)}


def test_a_mix_is_split_by_source_and_the_source_that_moved_is_named() -> None:
    told = found(year({"north": "both", "south": "price", "east": "both", "west": "both"}))
    assert set(told) >= {"mix:reasons:W001", "mix:reasons:W001:south", "mix:labels:W001:north"}
    assert [key for key, one in told.items() if one.mix.moved] == ["mix:reasons:W001:south"]
    (alert,) = alerts(list(told.values()))
    assert alert.told.en.startswith("W001, top reasons: The mix has moved, most of all “price”")
    assert alert.told.en.endswith("(entities of south)")
    assert "south" in alert.told.zh


def test_a_source_is_not_told_again_where_all_warnings_show_it() -> None:
    told = found(year({"north": "price", "south": "price"}))
    assert {key for key, one in told.items() if one.mix.moved} == {
        "mix:reasons:W001", "mix:reasons:W001:north", "mix:reasons:W001:south",
    }  # fmt: skip
    assert [one.key for one in alerts(list(told.values()))] == ["mix:reasons:W001"]


def test_one_source_for_all_is_not_split() -> None:
    assert set(found(year({"north": "both"}))) == {"mix:reasons:W001", "mix:labels:W001"}


def test_outcomes_of_one_source_move_while_those_of_all_do_not() -> None:
    rows = []
    for place, source in enumerate(("north", "south", "east", "west", "hills")):
        for n in range(160):
            lately = n >= 100
            broken = lately and source == "south"
            outcome = Outcome.DATA_ERROR if broken else (Outcome.CONFIRMED, Outcome.FALSE_ALARM)[n % 2]
            rows.append(came(place * 1000 + n, 91 + n if not lately else n - 100, "dose", source, outcome))
    told = found(rows)
    assert told["mix:labels:W001:south"].mix.moved
    assert not told["mix:labels:W001:north"].mix.moved
    assert told["mix:labels:W001:south"].mix.most == ("data_error", 1.0)


def test_what_moved_a_moment_ago_is_shown_and_raises_an_alert_when_it_stays() -> None:
    rows = year({"north": "price"}, since=6.0)
    young, later = found(rows)["mix:reasons:W001"], found(rows, NOW + timedelta(days=8))["mix:reasons:W001"]
    assert (young.mix.moved, young.mix.alarming) == (True, False)
    assert (later.mix.moved, later.mix.alarming) == (True, True)


def test_of_many_mixes_at_once_chance_alone_raises_none() -> None:
    close = mixed({"dose": 40, "price": 40}, {"dose": 13, "price": 37})
    assert close.moved
    one = Watched("reasons", "W001", "", close)
    calm = [Watched("reasons", f"W{n:03}", "", mixed({"dose": 300, "price": 300}, {"dose": 30, "price": 30}))
            for n in range(2, 60)]  # fmt: skip
    assert together([one], [one])[0].mix.alarming
    assert not any(told.mix.moved for told in together([one, *calm], [one, *calm]))


CLINICS = 120


def claims(source: int) -> pa.Table:
    at = datetime(2025, 1, 1, 2, tzinfo=UTC)
    rows = [
        {
            "claim_id": f"K{clinic}", "person_id": f"P{clinic}", "institution_id": f"C{clinic}",
            "claim_type": "outpatient", "service_from": at, "settled_at": at, "total_amount": Decimal(9),
            "fund_amount": Decimal(9), "self_amount": Decimal(0), "status": "settled",
        }
        for clinic in range(source, CLINICS, 2)
    ]  # fmt: skip
    under = contract_of("claim")
    return pa.Table.from_pylist(rows, schema=pa.schema([one for one in under.schema if one.name in rows[0]]))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Claims of two systems."""
    made = Settings(workspace=tmp_path, threads=1)
    for number, name in enumerate(("north", "south")):
        Lake(made.lake_url).commit("claim", claims(number), name, f"{name}-1")
    return made


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    made = store.upgrade(settings)
    yield made
    made.dispose()


def warned(clinic: int, reason: str) -> Warned:
    why = Reason(reason, Text("用量", "dose"), 7.0, "DDD", None, None, 0.4, Text("高。", "High."))
    return Warned(
        "W001", "rules@a", Text("用量", "Dose"), "medical", "over-prescribing", Severity.WARN, "institution",
        f"C{clinic}", f"C{clinic}", datetime(2025, 1, 1, tzinfo=UTC), 1, 0.5, 0.1, 0.9, 0.4, (why,),
    )  # fmt: skip


def test_warnings_of_the_queue_are_split_by_where_the_records_of_their_entity_come_from(
    settings: Settings, engine: Engine
) -> None:
    with transaction(engine) as session:
        job_store.prepare(session)
        person = people.add(session, "auditor", Role.AUDITOR, "test")
        queue.hand_over(session, [warned(clinic, "dose") for clinic in range(CLINICS)], "run", "test")
        case = queue.cases(session, limit=1).rows[0]
        claimed = service.act(session, case.id, Action.CLAIM, person, case.version)
        service.act(session, case.id, Action.CLOSE, person, claimed.version, "looked into", Outcome.CONFIRMED)
    with snapshot(engine) as session:
        found = looked(settings, session, datetime.now(UTC) + timedelta(minutes=1))
    told = {one.key: one.mix for one in found.mixes}
    assert {key: mix.n_now for key, mix in told.items() if "reasons" in key} == {
        "mix:reasons:W001": CLINICS, "mix:reasons:W001:north": CLINICS // 2, "mix:reasons:W001:south": CLINICS // 2,
    }  # fmt: skip
    assert sum(told[f"mix:labels:W001:{source}"].n_now for source in ("north", "south")) == 1
    assert told["mix:labels:W001"].n_now == 1


def test_the_source_of_an_entity_is_asked_once_a_version_of_the_lake(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = {"institution": ["C0", "C1", "stranger"], "tender": ["T1"], "firm-pair": ["A|B"]}
    told = mixes.origins(settings, about)
    assert told == {("institution", "C0"): "north", ("institution", "C1"): "south"}
    with monkeypatch.context() as patched:
        from features import engine as engines

        patched.setattr(engines.Engine, "open", lambda *_, **__: pytest.fail("the lake was read again"))
        assert mixes.origins(settings, about) == told
    more = claims(0).slice(0, 1).to_pylist()
    rows = [{**row, "claim_id": f"S{n}-{row['claim_id']}"} for n in range(3) for row in more]
    Lake(settings.lake_url).commit("claim", pa.Table.from_pylist(rows, schema=claims(0).schema), "south", "south-2")
    assert mixes.origins(settings, about)["institution", "C0"] == "south"
