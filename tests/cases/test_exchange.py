"""What comes from other systems and goes to them: rescreened warnings, imported cases, bundles, lists, search."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from cases import (
    audit,
    bundle,
    dossier,
    imports,
    labels,
    lists,
    policy,
    queue,
    raising,
    rescreen,
    search,
    service,
    suppression,
)
from cases.people import Person
from cases.rescreen import Ours, Theirs
from cases.tables import Case, CaseWarning, IssuedWarning
from cases.tables_work import Foreign
from cases.workflow import Action, Role
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault
from gnomon.terms import Outcome

Staff = dict[str, Person]
VERIFIER = Path(__file__).parents[2] / "docs" / "verify_trail.py"


def theirs(number: str, entity: str = "H1", score: float = 88.0, scheme: str = "over-prescribing") -> Theirs:
    return Theirs("health", number, "处方异常", "medical", scheme, "institution", entity, "甲医院", score)


def judge(kind: str, entity: str, scheme: str) -> Ours | None:
    return None if entity == "H3" else Ours("W001", 4.2, 0.97 if entity == "H1" else 0.4, entity == "H1")


def test_warnings_of_another_platform_are_scored_again_and_enter_once(
    session: Session, staff: Staff, warn: Any
) -> None:
    queue.hand_over(session, [warn()], "run1", "service")
    came = [theirs("a"), theirs("b", "H2"), theirs("c", "H3")]
    done = rescreen.rescreen(session, came, judge, staff["service"])
    assert [(one.record.verdict, one.known) for one in done] == [
        ("agreed", False),
        ("quiet", False),
        ("unknown", False),
    ]
    assert (done[0].record.their_score, done[0].record.our_score) == (88.0, 4.2)
    assert done[0].record.case_id == 1, "it joins the case that ours opened"
    assert all(one.known for one in rescreen.rescreen(session, came, judge, staff["service"]))
    assert session.scalar(select(func.count()).select_from(Case)) == 3
    assert [one["system"] for one in dossier.dossier(session, 1, staff["auditor"])["foreign"]] == ["health"]
    assert rescreen.agreement(session) == {"health": {"agreed": 1, "quiet": 1, "unknown": 1}}
    for wrong, status in ((theirs(" "), 422), (theirs("d", ""), 422)):
        with pytest.raises(Fault) as caught:
            rescreen.rescreen(session, [wrong], judge, staff["service"])
        assert caught.value.status == status
    with pytest.raises(Fault) as caught:
        rescreen.rescreen(session, came, judge, staff["auditor"])
    assert caught.value.status == 403


def test_the_sender_learns_what_became_of_its_warnings(session: Session, staff: Staff) -> None:
    rescreen.rescreen(session, [theirs("a"), theirs("b", "H2")], judge, staff["service"])
    began = datetime.now(UTC)
    service.act(session, 2, Action.CLAIM, staff["auditor"], 1)
    assert [(one.foreign_id, case.state) for one, case in rescreen.statuses(session, "health")] == [
        ("a", "open"),
        ("b", "review"),
    ]
    assert [one.foreign_id for one, _ in rescreen.statuses(session, "health", began)] == ["b"]
    whole = rescreen.statuses(session, "health", datetime(2020, 1, 1, tzinfo=UTC))
    read, after = [], None
    while page := rescreen.statuses(session, "health", datetime(2020, 1, 1, tzinfo=UTC), after=after, limit=1):
        read += page
        after = rescreen.key(page[-1], began)
    assert (read, [one.foreign_id for one, _ in read]) == (whole, ["a", "b"])


HIVE = [
    {"_id": "~41", "caseId": 7, "title": "Unusual invoices", "description": "d", "severity": 3,
     "startDate": 1600000000000,
     "endDate": 1600086400000, "status": "Resolved", "resolutionStatus": "TruePositive",
     "summary": "proved", "owner": "auditor"},
    {"_id": "~42", "caseId": 8, "title": "Nothing", "severity": 1, "startDate": 1600000000000, "status": "Resolved",
     "resolutionStatus": "FalsePositive"},
    {"_id": "~43", "caseId": 9, "title": "Open one", "severity": 2, "startDate": 1600000000000,
     "status": "Open", "owner": "auditor"},
    {"_id": "~44", "caseId": 10, "title": "Gone", "status": "Deleted"},
]  # fmt: skip
DISPATCH = [
    {"id": 1, "name": "dispatch-default-1", "title": "Odd login", "description": "d", "status": "Closed",
     "resolution_reason": "False Positive", "resolution": "a test", "case_severity": {"name": "High"},
     "reported_at": "2024-05-01T08:00:00Z", "closed_at": "2024-05-03T08:00:00Z",
     "assignee": {"individual": {"email": "handler"}}},
    {"id": 2, "name": "dispatch-default-2", "title": "Outage", "status": "Active", "incident_severity": {"name": "Low"},
     "created_at": "2024-05-01T08:00:00", "commander": None},
]  # fmt: skip
CSV = """id,title,scene,scheme,severity,entity_kind,entity_id,outcome,closed_at,amount_recovered,owner
1,重复收费,medical,over-billing,alert,institution,H7,confirmed,2024-06-01T00:00:00+08:00,1200.50,
2,围标线索,bidding,bid-rigging,,supplier,S1,,,,auditor
"""


@pytest.mark.parametrize(
    ("system", "text", "new", "skipped"),
    [
        ("thehive", json.dumps(HIVE), 3, 1),
        ("thehive", "\n".join(json.dumps(one) for one in HIVE), 3, 1),
        ("dispatch", json.dumps({"items": DISPATCH}), 2, 0),
        ("csv", CSV, 2, 0),
    ],
)
def test_old_cases_enter_once_with_their_history(
    session: Session, staff: Staff, system: str, text: str, new: int, skipped: int
) -> None:
    assert imports.take(session, system, text, staff["supervisor"]) == imports.Imported(new, 0, skipped)
    assert imports.take(session, system, text, staff["supervisor"]) == imports.Imported(0, new, skipped)
    first, second = session.scalars(select(Case).order_by(Case.id)).all()[:2]
    if system == "thehive":
        assert (first.state, first.outcome, first.severity, first.owner) == ("closed", "confirmed", "alert", "auditor")
        assert (first.opened_at.year, second.outcome, first.title.en) == (2020, "false_alarm", "Unusual invoices #7")
    if system == "dispatch":
        assert (first.outcome, first.closing_reason, first.owner) == ("false_alarm", "a test", "handler")
        assert (second.state, second.outcome, second.opened_at.tzinfo) == ("open", None, UTC)
    if system == "csv":
        assert (first.amount_recovered, second.owner) == (Decimal("1200.50"), "auditor")
        assert [label["entity_id"] for label in labels.labels(session)] == ["H7"]
    else:
        assert labels.labels(session) == [], "a matter without an entity teaches no model"
    whole = session.scalars(select(Foreign.told).order_by(Foreign.id)).first()
    assert json.loads(whole or "")["title"] in first.title.zh, "the record as it came is kept"
    assert audit.verify(session).ok


def test_each_body_numbers_its_imports_by_itself_and_keeps_them(session: Session, city: Any) -> None:
    ours, theirs = city.of(city.health, Role.SUPERVISOR), city.of(city.housing, Role.SUPERVISOR)
    told = f"id,title,owner\n1,x,{city.of(city.health).name}\n2,y,nobody\n"
    assert imports.take(session, "csv", told, ours) == imports.Imported(2, 0, 0)
    assert imports.take(session, "csv", told, theirs) == imports.Imported(2, 0, 0), "their 1 is not our 1"
    assert imports.take(session, "csv", told, theirs) == imports.Imported(0, 2, 0)
    assert imports.take(session, "csv", told, city.of(city.health, Role.SUPERVISOR, 2)) == imports.Imported(0, 2, 0)
    policy.put(session, "common_pool", False, "test")
    for person, body in ((ours, city.health), (theirs, city.housing)):
        rows = queue.cases(session, reader=person).rows
        assert [(row.organisation, row.pool) for row in rows] == [(body, False)] * 2
    owners = session.scalars(select(Case.owner).order_by(Case.id)).all()
    assert owners == [city.of(city.health).name, None, None, None], "nobody puts cases on another body's desks"
    assert len(queue.cases(session, text="csv:1").rows) == 2, "its old number finds it"


def test_a_platforms_number_is_one_for_the_whole_city(session: Session, city: Any) -> None:
    first, again = city.of(city.health, Role.SUPERVISOR), city.of(city.housing, Role.SUPERVISOR)
    assert not rescreen.rescreen(session, [theirs("a")], judge, first)[0].known
    imports.take(session, "csv", "id,title\na,x\n", first, "health")
    assert rescreen.rescreen(session, [theirs("a")], judge, again)[0].known


@pytest.mark.parametrize(
    ("system", "text", "status"),
    [
        ("csv", f"id,title\n{'1' * 101},x\n", 422),
        ("csv", f"id,title,scene\n1,x,{'s' * 81}\n", 422),
        ("jira", "[]", 400),
        ("thehive", "{", 400),
        ("thehive", '[{"caseId": 1}]', 422),
        ("thehive", '[{"_id": "~1", "title": "x", "severity": "grave"}]', 422),
        ("csv", "number,title\n1,x\n", 400),
        ("csv", "id,title,severity\n1,x,grave\n", 422),
        ("csv", "id,title,amount_found\n1,x,much\n", 422),
        ("dispatch", "[3]", 422),
    ],
)
def test_an_export_that_cannot_be_read_enters_not_at_all(
    session: Session, staff: Staff, system: str, text: str, status: int
) -> None:
    with pytest.raises(Fault) as caught, session.begin_nested():
        imports.take(session, system, text, staff["supervisor"])
    assert caught.value.status == status
    assert session.scalar(select(func.count()).select_from(Case)) == 0
    with pytest.raises(Fault) as caught:
        imports.take(session, "csv", CSV, staff["auditor"])
    assert caught.value.status == 403


def test_a_suppression_hides_what_it_says_until_it_ends_and_tells_what_it_hid(
    session: Session, staff: Staff, warn: Any
) -> None:
    soon = datetime.now(UTC) + timedelta(days=30)
    auditor, chief = staff["auditor"], staff["supervisor"]
    asked = suppression.ask(session, auditor, "institution", "H1", "系统升级期间数据异常", soon)
    assert queue.hand_over(session, [warn()], "run1", "service").suppressed == 0, "nobody approved it yet"
    with pytest.raises(Fault) as caught:
        suppression.approve(session, asked.id, auditor)
    assert caught.value.status == 403
    suppression.approve(session, asked.id, chief)
    with pytest.raises(Fault, match="decided"):
        suppression.approve(session, asked.id, chief)
    done = queue.hand_over(session, [warn(day=2, percentile=0.99), warn(entity="H2")], "run2", "service")
    assert done == queue.HandedOver(1, 0, 0, 1)
    assert queue.hand_over(session, [warn(day=2, percentile=0.99)], "run3", "service").known == 1
    (told,) = suppression.report(session, chief)
    assert (told.hidden, told.gravest, told.alerts) == (1, 0.99, 0)
    (hidden,) = suppression.warnings(session, asked.id, chief)
    case = raising.raise_hidden(session, auditor, hidden.fingerprint, "升级已结束")
    assert (case.id, case.warnings) == (1, 2)
    suppression.lift(session, asked.id, chief)
    assert queue.hand_over(session, [warn(day=3)], "run4", "service").joined == 1
    assert audit.verify(session).ok
    assert session.scalar(select(func.count()).select_from(CaseWarning)) == 4
    assert session.scalar(select(func.count()).select_from(IssuedWarning)) == 4
    for end, reason in ((datetime.now(UTC), "x"), (datetime.now(UTC) + timedelta(days=999), "x"), (soon, " ")):
        with pytest.raises(Fault) as caught:
            suppression.ask(session, auditor, "institution", "H1", reason, end)
        assert caught.value.status == 422


def test_a_third_party_verifies_the_bundle_with_the_script_of_the_docs(
    engine: Engine, tmp_path: Path, warn: Any
) -> None:
    settings, path = Settings(workspace=tmp_path), tmp_path / "trail.zip"
    with transaction(engine) as session:
        queue.hand_over(session, [warn(entity=f"H{n}", name="“甲” 医院 \u2028") for n in range(5)], "run1", "service")
        made = bundle.export(session, settings, path)
    assert (made.events, made.public_key) == (10, bundle.public_key(settings))
    assert len(VERIFIER.read_text(encoding="utf-8").splitlines()) <= 30
    whole = verified(path, made.public_key)
    assert (whole.returncode, made.head in whole.stdout) == (0, True)
    assert verified(path, "00" * 32).returncode != 0, "somebody else's key"
    for name, old, new in (
        ("trail.jsonl", '"actor": "service"', '"actor": "mallory"'),
        ("trail.jsonl", '"seq": 3', '"seq": 33'),
        ("manifest.json", '"events": 10', '"events": 9'),
    ):
        other = tmp_path / "changed.zip"
        with zipfile.ZipFile(path) as bundled, zipfile.ZipFile(other, "w") as changed:
            for part in bundled.namelist():
                told = bundled.read(part).decode()
                changed.writestr(part, told.replace(old, new, 1) if part == name else told)
        assert verified(other, made.public_key).returncode != 0


def verified(path: Path, key: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(VERIFIER), str(path), key], capture_output=True, text=True, check=False)


def test_three_lists_come_from_one_source(session: Session, staff: Staff, warn: Any) -> None:
    queue.hand_over(session, [warn(entity=f"H{n}") for n in range(3)], "run1", "service")
    auditor = staff["auditor"]
    for number in (1, 2):
        service.act(session, number, Action.CLAIM, auditor, 1)
    money = {"amount_found": Decimal(100), "amount_recovered": Decimal("60.5"), "people_handled": 1}
    service.act(session, 1, Action.CLOSE, auditor, 2, "查实", Outcome.CONFIRMED, **money)
    service.act(session, 2, Action.SUPERVISE, staff["supervisor"], 2, "请尽快")
    problems = lists.rows(session, lists.Kind.PROBLEMS)
    assert [(row["id"], row["state"]) for row in problems] == [(1, "closed"), (2, "review"), (3, "open")]
    duties = {row["owner"]: row for row in lists.rows(session, lists.Kind.DUTIES)}
    assert (duties["auditor"]["cases"], duties["auditor"]["closed"], duties["auditor"]["urged"]) == (2, 1, 1)
    (grown,) = lists.rows(session, lists.Kind.DEVELOPMENTS)
    assert (grown["id"], grown["amount_recovered"], grown["people_handled"]) == (1, "60.50", 1)
    assert dossier.public(session, 1) is not None
    assert dossier.public(session, 2) is None


def test_what_people_wrote_is_found_in_the_trail(session: Session, staff: Staff, warn: Any) -> None:
    queue.hand_over(session, [warn(), warn(entity="H2")], "run1", "service")
    auditor = staff["auditor"]
    service.act(session, 1, Action.NOTE, auditor, 1, "已调取 Receipts 回单 100%")
    service.act(session, 2, Action.NOTE, auditor, 1, "无")
    service.read(session, 1, auditor)
    for text in ("回单", "receipts", "100%", "回"):
        assert [event.subject_id for event in search.in_trail(session, text=text)] == ["1"]
    assert search.in_trail(session, text="回%") == []
    assert len(search.in_trail(session, actor="auditor")) == 2
    assert [event.action for event in search.in_trail(session, action="read")] == ["read"]
    newest = search.in_trail(session, limit=1)
    assert [event.subject_id for event in search.in_trail(session, before=newest[0].seq)] == ["1"]
    assert search.in_trail(session, case_id=2, since=datetime.now(UTC) + timedelta(hours=1)) == []
