"""Lists of cases and warnings: filters, search, and a cursor that neither skips nor repeats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from cases import bodies, labels, lists, people, queue, search, service
from cases.asked import Part
from cases.pages import counts
from cases.people import Person
from cases.workflow import Action, Role, Side
from gnomon.database import transaction
from gnomon.errors import Misuse
from gnomon.terms import Outcome, Severity

Staff = dict[str, Person]


@pytest.fixture
def ten(session: Session, warn: Any) -> Session:
    """Cases 1 to 10 about H0 to H9; every third is an alert."""
    warnings = [
        warn(
            entity=f"H{n}",
            name=f"第{n}人民医院_%",
            percentile=0.9 + n / 1000,
            severity=Severity.ALERT if n % 3 == 0 else Severity.WARN,
        )
        for n in range(10)
    ]
    queue.hand_over(session, warnings, "run1", "service")
    return session


def all_pages(page: Callable[[str | None], queue.Page[Any]]) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        one = page(cursor)
        found += [row.entity_id for row in one.rows]
        if one.cursor is None or not one.rows:
            return found
        cursor = one.cursor


@pytest.mark.parametrize("order", list(queue.Order))
@pytest.mark.parametrize("limit", [1, 3, 10, 200])
def test_pages_hold_every_case_once(ten: Session, order: queue.Order, limit: int) -> None:
    found = all_pages(lambda cursor: queue.cases(ten, order=order, cursor=cursor, limit=limit))
    assert sorted(found) == [f"H{n}" for n in range(10)]
    if order is queue.Order.GRAVEST:
        assert found == [f"H{n}" for n in (9, 6, 3, 0, 8, 7, 5, 4, 2, 1)]


def test_cases_written_in_between_neither_shift_nor_repeat_pages(ten: Session, warn: Any) -> None:
    first = queue.cases(ten, limit=4)
    queue.hand_over(ten, [warn(entity="X1"), warn(entity="X2")], "run2", "service")
    rest = queue.cases(ten, limit=200, cursor=first.cursor)
    assert [row.entity_id for row in (*first.rows, *rest.rows)] == [f"H{n}" for n in range(9, -1, -1)]


def test_updated_since_follows_changes_and_keeps_a_cursor_at_the_end(engine: Engine, warn: Any) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warn(entity="H1"), warn(entity="H2")], "run1", "service")
        began = queue.cases(session).rows[0].updated_at
    with transaction(engine) as session:
        page = queue.cases(session, updated_since=began)
        assert len(page.rows) == 2
        assert queue.cases(session, updated_since=began, cursor=page.cursor).rows == []
    with transaction(engine) as session:
        queue.hand_over(session, [warn(entity="H1", day=2)], "run2", "service")
        again = queue.cases(session, updated_since=began, cursor=page.cursor)
        assert [row.entity_id for row in again.rows] == ["H1"]
        assert queue.cases(session, updated_since=began + timedelta(days=1)).rows == []
        since = queue.warnings(session, updated_since=began, limit=2)
        later = queue.warnings(session, since.cursor, updated_since=began)
        assert [row.as_of.day for row in (*since.rows, *later.rows)] == [1, 1, 2]


def test_filters_narrow_the_queue(staff: Staff, ten: Session, warn: Any) -> None:
    queue.hand_over(ten, [warn(entity="T1", model="W050", scheme="bid-rigging")], "run2", "service")
    service.act(ten, 1, Action.CLAIM, staff["auditor"], 1)
    assert [row.id for row in queue.cases(ten, owner="auditor").rows] == [1]
    assert len(queue.cases(ten, owner="").rows) == 10
    assert [row.id for row in queue.cases(ten, state="review").rows] == [1]
    assert len(queue.cases(ten, state="alive").rows) == 11
    assert [row.entity_id for row in queue.cases(ten, scheme="bid-rigging").rows] == ["T1"]
    assert len(queue.cases(ten, scene="medical", entity_kind="institution").rows) == 11
    due = queue.case(ten, 1).case.due
    assert due is not None
    assert [row.id for row in queue.cases(ten, overdue_at=due + timedelta(seconds=1)).rows] == [1]
    assert queue.cases(ten, overdue_at=due).rows == []
    assert {state: n for state, n in counts(ten).items() if n} == {"open": 10, "review": 1}


def test_search_takes_text_as_it_stands(ten: Session) -> None:
    assert [row.entity_id for row in queue.cases(ten, text="第7人民").rows] == ["H7"]
    assert [row.entity_id for row in queue.cases(ten, text="h7").rows] == ["H7"]
    assert len(queue.cases(ten, text="_%").rows) == 10
    assert queue.cases(ten, text="H_").rows == []
    assert [row.id for row in queue.cases(ten, text="3").rows] == [4, 3]
    assert [row.entity_id for row in queue.warnings(ten, text="第7人民").rows] == ["H7"]


@pytest.mark.parametrize("cursor", ["nonsense", "WzFd", "WyJncmF2ZXN0IiwxLDFd", "bnVsbA"])
def test_a_cursor_of_another_list_is_refused(ten: Session, cursor: str) -> None:
    with pytest.raises(Misuse):
        queue.cases(ten, cursor=cursor)


def test_a_warning_is_found_by_number_and_fingerprint(ten: Session, warn: Any) -> None:
    fingerprint = warn(entity="H4").fingerprint
    found = queue.warning(ten, fingerprint)
    assert queue.warning(ten, fingerprint[:8]) is found
    assert queue.warning(ten, found.id) is found
    assert queue.case_of(ten, found.id) == 5
    assert [row.id for row in queue.warnings(ten, case_id=5).rows] == [found.id]
    for wrong in ("", fingerprint[:7], "%%%%%%%%", "9" * 30):
        with pytest.raises(Exception, match="no warning"):
            queue.warning(ten, wrong)


@pytest.mark.parametrize("kind", lists.Kind)
@pytest.mark.parametrize("limit", [1, 2, 7])
def test_a_list_read_page_by_page_is_the_whole_list(
    session: Session, city: Any, warn: Any, kind: Any, limit: int
) -> None:
    queue.hand_over(session, [warn(entity=f"H{n}") for n in range(6)], "run1", "service")
    for number, body in enumerate((city.health, city.housing, city.health, city.discipline), 1):
        auditor = city.of(body, number=1 + number % 2)
        service.act(session, number, Action.CLAIM, auditor, 1)
        service.act(session, number, Action.CLOSE, auditor, 2, "已核查", Outcome.USEFUL)
    service.act(session, 5, Action.CLAIM, city.of(city.health), 1)
    service.act(session, 5, Action.RECTIFY, city.of(city.health), 2, "整改", parts=[Part("规范处方")])
    for reader in (None, city.of(city.health)):
        whole = lists.rows(session, kind, reader)
        assert len(whole) == lists.total(session, kind, reader) > 1
        read, after = [], None
        while page := lists.rows(session, kind, reader, after=after, limit=limit):
            assert len(page) <= limit
            read += page
            after = lists.key(kind, page[-1])
        assert read == whole


@pytest.mark.parametrize("after", [["x"], [1, 2], [-1], [2**63], [None], [["x", "y"]], [True]])
def test_a_key_of_another_list_is_refused(session: Session, after: list[Any]) -> None:
    with pytest.raises(Misuse):
        lists.rows(session, lists.Kind.PROBLEMS, after=after, limit=1)


def test_labels_go_by_their_moments_page_by_page(engine: Engine, staff: Staff, warn: Any) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warn(entity=f"H{n}") for n in range(4)], "run1", "service")
        for number in (3, 1, 4, 2):
            service.act(session, number, Action.CLAIM, staff["auditor"], 1)
            service.act(session, number, Action.CLOSE, staff["auditor"], 2, "x", Outcome.USEFUL)
    with transaction(engine) as later:
        service.act(later, 3, Action.REOPEN, staff["supervisor"], 3, "补充")
        whole = labels.labels(later)
        assert whole[-1]["case_id"] == "3", "the withdrawal is the last that happened"
        read, after = [], None
        while page := labels.labels(later, after=after, limit=1):
            read += page
            after = labels.key(page[-1])
        assert read == whole


def test_the_next_case_is_found_behind_many_that_one_may_not_sign_for(session: Session, city: Any, warn: Any) -> None:
    """A body that only helps sees these cases, and does not lead them."""
    queue.hand_over(session, [warn(entity=f"H{n:03}", percentile=0.99) for n in range(60)], "run1", "service")
    queue.hand_over(session, [warn(entity="LAST", percentile=0.5)], "run2", "service")
    for row in queue.cases(session, limit=200).rows:
        mine = row.entity_id == "LAST"
        bodies.join(session, row, city.housing if mine else city.health, Side.LEAD)
        bodies.join(session, row, city.housing, Side.HELPER)
    taken = service.take_next(session, city.of(city.housing))
    assert taken is not None
    assert taken.entity_id == "LAST"


@pytest.mark.parametrize("sample", [1, 10**6], ids=["looking first", "by the index"])
def test_search_finds_the_same_whichever_way_it_goes(
    postgresql_engine: Engine, warn: Any, monkeypatch: pytest.MonkeyPatch, sample: int
) -> None:
    monkeypatch.setattr(search, "_SAMPLE", sample)
    names = {f"H{n}": f"第{n}{'人民医院' if n % 3 else '诊所'}" for n in range(60)}
    with transaction(postgresql_engine) as session:
        auditor = people.add(session, "anna", Role.AUDITOR, "test")
        queue.hand_over(session, [warn(entity=entity, name=name) for entity, name in names.items()], "run1", "service")
        for number in (5, 17, 40):
            service.act(session, number, Action.NOTE, auditor, 1, f"调取第{number}册 Ledger_{number}")
        session.execute(text("ANALYZE"))
    with transaction(postgresql_engine) as session:
        for word in ("院", "诊", "第1", "民医", "h5", "H59", "over-pre", "不", "不存在", "_", "%"):
            there = [
                entity for entity, name in names.items() if word.lower() in f"{name} {entity} over-prescribing".lower()
            ]
            for page in (queue.cases, queue.warnings):
                assert all_pages(lambda cursor: page(session, text=word, cursor=cursor, limit=7)) == there[::-1]  # noqa: B023
        for word, found in (("调", 3), ("第17", 1), ("ledger_", 3), ("_5", 1), ("无", 0)):
            assert len(search.in_trail(session, text=word)) == found
