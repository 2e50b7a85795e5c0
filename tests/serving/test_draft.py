"""From a case to a model: a draft that names nobody, checked, tried on stored profiles, and downloaded as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cases import people, store
from catalogue.drafting import drafted
from catalogue.load import load
from features import profile_store
from gnomon.database import transaction
from gnomon.errors import Fault
from gnomon.terms import Severity, Text
from serving import trying
from tests.catalogue.conftest import profiles
from tests.serving.conftest import warned
from tests.serving.test_console import csrf_of, sign_in

ROWS = {"H1": {"ddd_per_patient": 35.2}, "H4": {"ddd_per_patient": 20.0}, "H5": {"ddd_per_patient": 1.5}}


def draft() -> str:
    one = warned("H1", name="H1 市第一医院")
    return drafted("mine", one.scene, one.scheme, one.entity_kind, one.title, one.reasons, 1)


@pytest.fixture
def known(place: Any) -> Any:
    """A place whose stored profiles say that H1 and H4 prescribe far above a median of 1.5."""
    stored = profiles(ROWS, {"ddd_per_patient": 1.5})
    profile_store.save(stored, profile_store.place(place.settings.workspace / "profiles", stored))
    return place


def test_a_draft_asks_what_was_unusual_and_names_nobody() -> None:
    looked = trying.look(draft())
    assert looked.faults == ()
    model = looked.model
    assert model is not None
    assert model.when == "deviation(ddd_per_patient) >= 3.5 and deviation(fund_paid_365d) >= 3.5"
    assert model.needs == "peers(ddd_per_patient) >= 20"
    assert [issue for issue in looked.issues if issue.grade == "high"] == [], "its own examples do what they say"
    assert "H1" not in draft()
    assert "市第一医院" not in draft()


def test_nothing_is_drafted_from_what_peers_have_too() -> None:
    one = warned("H1")
    with pytest.raises(Fault, match="outside what its peers have"):
        drafted("mine", one.scene, one.scheme, one.entity_kind, one.title, one.reasons[2:], 1)


def test_a_slip_is_told_with_its_line_and_the_nearest_name() -> None:
    looked = trying.look(draft().replace("fund_paid_365d", "fund_payed_365d"))
    assert looked.model is None
    assert "fund_paid_365d" in looked.faults[0].told("en")


def test_a_model_is_tried_on_the_newest_profiles_beside_running_cases(known: Any) -> None:
    text = draft().replace(" and deviation(fund_paid_365d) >= 3.5", "")
    model = trying.look(text).model
    assert model is not None
    with transaction(store.upgrade(known.settings)) as session:
        told = trying.tried(known.settings, model, session)
    assert (told.entities, told.fires, told.unknown, told.in_cases) == (3, 2, 0, 1)
    assert [(one.entity_id, one.severity, one.case_id) for one in told.asked] == [
        ("H1", Severity.WARN, 1),
        ("H4", Severity.WARN, None),
    ]
    with pytest.raises(Fault, match="no profiles of this kind"):
        trying.tried(known.settings, load()["pw-shared-control"])


def test_drawing_a_draft_is_reading_the_case(place: Any) -> None:
    with transaction(store.upgrade(place.settings)) as session:
        reader = people.required(session, "auditor")
        text, scene = trying.of_case(session, "mine", 1, reader)
        assert scene == "medical-insurance"
        assert text.count("id: mine") == 1
        with pytest.raises(Fault):
            trying.of_case(session, "mine", 99, reader)


def test_an_author_drafts_tries_and_downloads_in_the_browser_and_nothing_is_stored(known: Any, tmp_path: Path) -> None:
    sign_in(known)
    assert "/console/catalogue/draft?case=1" in known.client.get("/console/cases/1").text
    page = known.client.get("/console/catalogue/draft?case=1").text
    assert "deviation(ddd_per_patient) &gt;= 3.5" in page
    token = {"csrf": csrf_of(page)}
    text = draft().replace(" and deviation(fund_paid_365d) >= 3.5", "")
    before = sorted(str(path) for path in known.settings.workspace.rglob("*.yaml"))
    page = known.client.post("/console/catalogue/draft", data={**token, "text": text}).text
    assert "it would ask about 2" in page
    assert 'href="/console/cases/1"' in page
    page = known.client.post("/console/catalogue/draft", data={**token, "text": text.replace("ddd_per", "dd_per")}).text
    assert "ddd_per_patient" in page
    assert "To be put right" in page
    sent = known.client.post("/console/catalogue/draft", data={**token, "text": text, "file": "yes"})
    assert sent.headers["Content-Disposition"] == 'attachment; filename="mine.yaml"'
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mine.yaml").write_bytes(sent.content)
    assert load(folder)["mine"].title == Text(
        "处方量远超同类常模（草稿）", "Prescribing far above the peers' norm (draft)"
    )
    assert sorted(str(path) for path in known.settings.workspace.rglob("*.yaml")) == before


def test_who_writes_no_models_has_no_page_for_it(place: Any) -> None:
    sign_in(place, "viewer")
    assert place.client.get("/console/catalogue/draft").status_code == 403
    assert "/console/catalogue/draft" not in place.client.get("/console/cases/1").text
