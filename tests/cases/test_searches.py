"""Saved searches: one's own, everywhere the same, and never more than they say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cases import pages, queue, searches, service
from cases.people import Person
from cases.workflow import Action
from gnomon.errors import Fault

Staff = dict[str, Person]


def found(session: Session, person: Person, name: str) -> list[str]:
    filters = searches.fit(searches.required(session, person, name).filters)
    asked = searches.narrowed(filters, person, datetime.now(UTC))
    return [row.entity_id for row in pages.cases(session, reader=person, **asked).rows]


def test_a_saved_search_finds_what_its_filters_say_on_the_day_it_is_used(
    session: Session, staff: Staff, warn: Any
) -> None:
    auditor = staff["auditor"]
    queue.hand_over(session, [warn(entity="H1"), warn(entity="H2")], "run1", "service")
    service.act(session, 1, Action.CLAIM, auditor, 1)
    for name, filters in (("mine", {"owner": "mine"}), ("waits", {"owner": "nobody"}), ("late", {"owner": "overdue"})):
        searches.keep(session, auditor, name, filters)
    searches.keep(session, auditor, "H2", {"text": "h2", "kind": "institution", "severity": "warn"})
    assert [found(session, auditor, name) for name in ("mine", "waits", "late", "H2")] == [["H1"], ["H2"], [], ["H2"]]
    queue.hand_over(session, [warn(entity="H3")], "run2", "service")
    assert sorted(found(session, auditor, "waits")) == ["H2", "H3"]
    assert [one.name for one in searches.mine(session, auditor)] == ["H2", "late", "mine", "waits"]


def test_a_search_narrows_by_scene_by_body_and_by_warning_model(session: Session, staff: Staff, warn: Any) -> None:
    auditor = staff["auditor"]
    queue.hand_over(
        session,
        [warn(entity="H1", model="m1"), warn(entity="H2", model="m2"), warn(entity="H2", model="m1")],
        "run1",
        "service",
    )
    for name, filters in (("m2", {"model": "m2"}), ("none", {"model": "m3"}), ("body", {"body": "elsewhere"})):
        searches.keep(session, auditor, name, filters)
    searches.keep(session, auditor, "m1", {"model": "m1", "scene": "medical", "order": "newest"})
    searches.keep(session, auditor, "works", {"scene": "public-works"})
    assert [found(session, auditor, name) for name in ("m2", "none", "body", "works")] == [["H2"], [], [], []]
    assert found(session, auditor, "m1") == ["H2", "H1"]


def test_nobody_reads_or_forgets_anothers_search(session: Session, staff: Staff) -> None:
    searches.keep(session, staff["auditor"], "mine", {"text": "甲"})
    searches.keep(session, staff["viewer"], "mine", {"text": "乙"})
    assert searches.required(session, staff["viewer"], "mine").filters["text"] == "乙"
    searches.forget(session, staff["viewer"], "mine")
    assert searches.required(session, staff["auditor"], "mine").filters["text"] == "甲"
    for deed in (searches.required, searches.forget):
        with pytest.raises(Fault) as refused:
            deed(session, staff["viewer"], "mine")
        assert refused.value.status == 404


def test_a_search_is_replaced_by_its_name_and_their_number_is_bounded(session: Session, staff: Staff) -> None:
    auditor = staff["auditor"]
    for n in range(searches.MOST):
        searches.keep(session, auditor, f"s{n}", {"text": str(n)})
    searches.keep(session, auditor, " s0 ", {"text": "again", "order": "by colour", "state": "x", "owner": "x"})
    kept = searches.fit(searches.required(session, auditor, "s0").filters)
    assert (kept["text"], kept["order"], kept["state"], kept["owner"]) == ("again", "gravest", "alive", "")
    for name in ("one too many", "", "a/b", "a\nb", "长" * 41):
        with pytest.raises(Fault) as refused:
            searches.keep(session, auditor, name, {})
        assert refused.value.status == 422
    assert len(searches.mine(session, auditor)) == searches.MOST
