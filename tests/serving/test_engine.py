"""A scoring run on a real lake: found, explained, handed over once, and not asked again."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pandas as pd
import pyarrow as pa
import pytest

from cases import audit, labels, pages, people, queue, service, store
from cases.workflow import Action, Role
from features.contracts import contract_of
from features.lake import Lake
from features.measures import entities
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault, Misuse
from gnomon.terms import RANDOM, Outcome
from serving import report
from serving.engine import score_all
from serving.random_looks import PERSONS, share
from tests.serving.conftest import asked_by_system
from training.dataset import of_rows
from training.sampling import standing_for

CLINICS = 26


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Twenty-six clinics; of C0, a third of the patients had died before their visit."""
    made = Settings(workspace=tmp_path_factory.mktemp("city"), threads=1)
    draw = random.Random(1)
    clinics = [{"org_id": f"C{n}", "name": f"Clinic {n}", "roles": ["clinic"], "level": "1"} for n in range(CLINICS)]
    dead = {f"P{n}": date(2024, 12, 1) for n in range(10)}
    persons = [{"person_id": f"P{n}", "death_date": dead.get(f"P{n}")} for n in range(CLINICS * 30)]
    claims = [
        claim(f"K{clinic}-{n}", f"C{clinic}", f"P{clinic * 30 + n}", draw)
        for clinic in range(CLINICS)
        for n in range(30)
    ]
    for name, rows in (("organization", clinics), ("person", persons), ("claim", claims)):
        put(made, name, rows)
    return made


def claim(key: str, clinic: str, person: str, draw: random.Random) -> dict[str, object]:
    at = datetime(2025, 1, 1, 2, tzinfo=UTC) + timedelta(days=draw.randrange(150))
    paid = Decimal(draw.randrange(50, 400))
    return {
        "claim_id": key,
        "person_id": person,
        "institution_id": clinic,
        "claim_type": "outpatient",
        "service_from": at,
        "settled_at": at + timedelta(hours=1),
        "total_amount": paid + 20,
        "fund_amount": paid,
        "status": "settled",
    }


def put(settings: Settings, table: str, rows: list[dict[str, object]]) -> None:
    under = contract_of(table)
    required = {column.name for column in under.columns if column.required}
    lacking = required - set(rows[0])
    defaults = {name: contract_default(under.by_name[name]) for name in lacking}
    own = [field for field in under.schema if field.name in rows[0] or field.name in lacking]
    told = [{**defaults, **row} for row in rows]
    Lake(settings.lake_url).commit(table, pa.Table.from_pylist(told, schema=pa.schema(own)), "test", "0")


def contract_default(column) -> object:
    return column.values[0] if column.values else {"date": date(2000, 1, 1)}.get(column.type, "x")


@pytest.fixture(scope="module")
def first(settings: Settings):
    return score_all(settings, ["institution"])


def test_the_clinic_with_dead_patients_is_warned_about_with_rows_that_add_up(settings, first) -> None:
    (done,) = first.entities
    assert (done.population, done.refused) == (CLINICS, [])
    with transaction(store.upgrade(settings)) as session:
        rows = pages.warnings(session, model="med-dead-person-claim").rows
    assert [row.entity_id for row in rows] == ["C0"]
    warned = rows[0].warned()
    assert warned.entity_name == "Clinic 0"
    assert math.isclose(warned.base + sum(r.contribution for r in warned.reasons), warned.score, abs_tol=1e-6)
    reason = next(r for r in warned.reasons if r.measure == "after_death_claims")
    assert reason.value == 10.0
    assert {key.split("-")[0] for key in reason.evidence[0].ids} == {"K0"}


def test_the_run_is_written_down(settings, first) -> None:
    told = json.loads((settings.workspace / "runs" / f"{first.run_id}.json").read_text(encoding="utf-8"))
    assert told["entities"][0]["entity"] == "institution"
    assert {row["model"] for row in told["entities"][0]["models"]} >= {"med-dead-person-claim"}


def test_a_second_run_on_the_same_data_hands_over_nothing_new(settings, first) -> None:
    (again,) = score_all(settings, ["institution"]).entities
    assert (again.new, again.joined, again.known) == (0, 0, first.entities[0].issued)


def test_kinds_without_data_are_skipped_unless_they_were_named(settings, first) -> None:
    with pytest.raises(Fault):
        score_all(settings, ["tender"])
    with pytest.raises(Misuse):
        score_all(settings, ["institutoin"])


def test_what_was_answered_is_not_asked_again(settings, first) -> None:
    database = store.upgrade(settings)
    with transaction(database) as session:
        auditor = people.add(session, "auditor", Role.AUDITOR, "test", "correct horse battery")
        (case,) = pages.cases(session, entity_id="C0", scheme="identity-misuse").rows
        service.act(session, case.id, Action.CLAIM, auditor, case.version)
        service.act(session, case.id, Action.CLOSE, auditor, 2, "Deaths were registered late.", Outcome.FALSE_ALARM)
    (later,) = score_all(settings, ["institution"], datetime(2025, 5, 20, tzinfo=UTC)).entities
    with transaction(database) as session:
        assert pages.cases(session, entity_id="C0", scheme="identity-misuse", state="alive").rows == []
        assert audit.verify(session).ok
    assert later.settled >= 1


def test_an_empty_lake_says_what_to_do_first(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="gnomon ingest"):
        score_all(Settings(workspace=tmp_path))


@pytest.fixture(scope="module")
def api(settings, first) -> Iterator[httpx.Client]:
    """The API over the scored workspace, by a system's token."""
    with asked_by_system(settings) as client:
        client.headers["Accept-Language"] = "en"
        yield client


def asked_over_the_api(api: httpx.Client, **asked: object) -> httpx.Response:
    return api.post("/v1/score", json={"entity": "institution", **asked})


def test_entities_are_scored_at_their_stored_profiles_with_reasons(api) -> None:
    told = asked_over_the_api(api, ids=["C0", "C1"]).json()
    fired = {rule["model"]: rule for rule in told["results"][0]["rules"]}
    rule = fired["med-dead-person-claim"]
    assert math.isclose(sum(reason["contribution"] for reason in rule["reasons"]), rule["score"], abs_tol=1e-6)
    assert "med-dead-person-claim" not in {one["model"] for one in told["results"][1]["rules"]}
    assert told["results"][1]["unknown"], "rules that lack their tables are told apart from clean results"
    assert (told["champion"], told["results"][0]["learned"]) == (None, None)


def test_without_explanation_scores_are_the_same_and_reasons_are_absent(api) -> None:
    with_reasons = asked_over_the_api(api, ids=["C0"]).json()["results"][0]["rules"]
    without = asked_over_the_api(api, ids=["C0"], explain=False).json()["results"][0]["rules"]
    assert [rule["score"] for rule in without] == [rule["score"] for rule in with_reasons]
    assert all(not rule["reasons"] for rule in without)


def test_raw_claims_are_scored_against_the_stored_norms_and_not_kept(settings, api) -> None:
    before = Lake(settings.lake_url).version
    rows = [
        {**claim(f"N{n}", "C99", f"P{n}", random.Random(n)), "settled_at": "2025-06-01T10:00:00+08:00"}
        for n in range(30)
    ]
    records = json.loads(json.dumps(rows, default=str))
    told = asked_over_the_api(api, records={"claim": records}).json()
    assert [one["entity_id"] for one in told["results"]] == ["C99"]
    assert Lake(settings.lake_url).version == before


@pytest.mark.parametrize(
    ("asked", "status", "place", "fault"),
    [
        ({"ids": ["C1O"]}, 404, "institution C1O", "Nearest: C1"),
        ({"ids": ["C1"], "records": {"claim": [{}]}}, 422, "body", "either ids or records"),
        ({"records": {"claim": [{"claim_idd": "1"}]}}, 422, "claim.claim_idd", "Nearest: claim_id"),
        ({"records": {"claim": [{"claim_id": "1", "total_amount": "much"}]}}, 422, "claim[0]", ""),
        ({"records": {"clam": [{"claim_id": "1"}]}}, 400, "clam", "claim"),
        ({"entity": "hospital", "ids": ["C1"]}, 400, "hospital", "earest"),
    ],
)
def test_what_cannot_be_scored_is_told_at_its_place(api, asked, status, place, fault) -> None:
    answer = asked_over_the_api(api, **asked)
    assert answer.status_code == status
    assert answer.json()["place"].startswith(place)
    assert fault in answer.json()["detail"]


def until_it_ends(api: httpx.Client, key: str) -> dict[str, object]:
    for _ in range(400):
        told = api.get(f"/v1/jobs/{key}").json()
        if told["state"] in ("done", "failed", "cancelled"):
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def test_a_job_scores_many_entities_and_tells_which_it_could_not(api) -> None:
    asked = {"entity": "institution", "ids": ["C0", "nobody", "C1"], "explain": True}
    submitted = api.post("/v1/jobs", json=asked)
    assert submitted.status_code == 202
    told = until_it_ends(api, submitted.json()["id"])
    assert (told["state"], told["total"], told["scored"], told["failed"]) == ("done", 3, 2, 1)
    rows = api.get(f"/v1/jobs/{told['id']}/results").json()
    assert [row["entity_id"] for row in rows["items"]] == ["C0", "nobody", "C1"]
    assert "fault" in rows["items"][1]
    direct = asked_over_the_api(api, ids=["C0"]).json()["results"][0]
    assert rows["items"][0] == direct | {"asks": None}
    assert told["id"] in {one["id"] for one in api.get("/v1/jobs").json()["items"]}


def test_everybody_is_a_job_too_and_one_that_has_ended_stays_as_it_is(api) -> None:
    key = api.post("/v1/jobs", json={"entity": "institution", "everybody": True}).json()["id"]
    assert until_it_ends(api, key)["scored"] == CLINICS
    assert api.post(f"/v1/jobs/{key}/cancel").json()["state"] == "done"


def test_warnings_of_another_platform_keep_both_scores_and_come_in_once(api) -> None:
    theirs = [
        {"id": "W1", "title": "死亡后仍有结算", "entity_id": "C0", "score": 88.5},
        {"id": "W2", "title": "死亡后仍有结算", "entity_id": "C1"},
        {"id": "W3", "title": "未知机构", "entity_id": "not profiled"},
    ]
    same = {"scene": "medical-insurance", "scheme": "identity-misuse", "entity_kind": "institution"}
    asked = {"system": "health", "warnings": [one | same for one in theirs]}
    told = api.post("/v1/warnings/rescreen", json=asked).json()
    assert [one["verdict"] for one in told] == ["agreed", "quiet", "unknown"]
    assert (told[0]["their_score"], told[0]["our_model"]) == (88.5, "med-dead-person-claim")
    again = api.post("/v1/warnings/rescreen", json=asked).json()
    assert [one["known"] for one in again] == [True, True, True]
    page = api.get("/v1/warnings/rescreen", params={"system": "health", "limit": 2}).json()
    assert [one["foreign_id"] for one in page["items"]] == ["W1", "W2"]
    rest = api.get("/v1/warnings/rescreen", params={"system": "health", "cursor": page["cursor"]}).json()
    assert [one["foreign_id"] for one in rest["items"]] == ["W3"]


def test_a_share_of_the_budget_is_drawn_at_random_and_says_that_nobody_suspects_it(settings, first) -> None:
    (done,) = first.entities
    assert done.random == 1, "one look in twenty by default"
    assert done.entities <= done.budget
    with transaction(store.upgrade(settings)) as session:
        (row,) = [one for one in pages.warnings(session, model=RANDOM).rows if one.run_id == first.run_id]
        suspected = {one.entity_id for one in pages.warnings(session, limit=200).rows if one.run_id == first.run_id}
    warned = row.warned()
    assert warned.random
    assert warned.inclusion == pytest.approx(1.0 / (CLINICS - len(suspected - {warned.entity_id})))
    assert (warned.reasons, warned.score, warned.scheme) == ((), 0.0, RANDOM)
    assert "Nobody suspects" in warned.advice.en
    assert "并无嫌疑" in warned.advice.zh
    told = "\n".join(report.lines(warned, row.fingerprint, "en"))
    assert "Random audit" in told
    assert not [word for word in ("Why", "Warning", "higher than", warned.model_version) if word in told]


def test_without_a_share_nobody_is_drawn(settings, first) -> None:
    (done,) = score_all(settings, ["institution"], datetime(2025, 5, 25, tzinfo=UTC), audit_share=0.0).entities
    assert done.random == 0


def test_a_person_is_drawn_only_where_somebody_asks_for_it() -> None:
    assert entities().keys() >= PERSONS
    assert [share(kind, None, 0.05) for kind in ("institution", "tender", "patient", "official")] == [0.05, 0.05, 0, 0]
    assert share("patient", 0.1, 0.05) == 0.1


def test_the_outcome_of_a_random_look_carries_how_likely_it_was(settings, first) -> None:
    database = store.upgrade(settings)
    with transaction(database) as session:
        looker = people.add(session, "looker", Role.AUDITOR, "test", "correct horse battery")
        (case,) = pages.cases(session, scheme=RANDOM, state="open", limit=1).rows
        entity, drawn = case.entity_id, queue.case(session, case.id).warnings[0].warned().inclusion
        service.act(session, case.id, Action.CLAIM, looker, case.version)
        service.act(session, case.id, Action.CLOSE, looker, 2, "Nothing was found.", Outcome.FALSE_ALARM)
        rows = {row["case_id"]: row for row in labels.labels(session)}
    table = of_rows(pd.DataFrame(list(rows.values())), "institution")
    weight = standing_for(table, pd.Index([entity, "C1"]))
    assert rows[str(case.id)]["inclusion"] == pytest.approx(drawn)
    assert weight.tolist() == pytest.approx([1.0 / drawn, 0.0])


def test_one_aim_at_a_time_and_only_a_share(settings) -> None:
    with pytest.raises(Misuse, match="one aim"):
        score_all(settings, ["institution"], budget=5, fdr=0.1)
    with pytest.raises(Misuse, match="between 0 and 1"):
        score_all(settings, ["institution"], precision=5.0)
