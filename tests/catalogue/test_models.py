"""The shipped catalogue: every example of every model, and what every model owes its reader."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from catalogue.check import Grade, check
from catalogue.load import SHIPPED, load
from catalogue.model import Example, WarningModel
from catalogue.pages import FILES, page
from catalogue.rule import admitted, try_examples
from catalogue.scenes import SCENES, SCHEMES
from catalogue.vocabulary import vocabularies
from gnomon.terms import Severity
from tests.catalogue.conftest import profiles

MODELS = load()
RULES = [model for model in MODELS.values() if model.detector == "rule"]
EXAMPLES = [
    pytest.param(example, severity, id=f"{model.id}: {example.who.en}")
    for model in RULES
    for example, severity in try_examples(model)
]


@pytest.mark.parametrize(("example", "severity"), EXAMPLES)
def test_an_example_warns_as_it_says(example: Example, severity: Severity | None) -> None:
    assert (severity is not None) is example.warns
    if example.severity is not None:
        assert severity == example.severity


@pytest.mark.parametrize("model", RULES, ids=lambda model: model.id)
def test_a_rule_shows_one_that_warns_a_look_alike_and_a_null_that_does_not(model: WarningModel) -> None:
    kinds = Counter((example.warns, None in example.given.values()) for example in model.examples)
    assert kinds[True, False] >= 1
    assert kinds[False, False] >= 1
    assert kinds[False, True] >= 1
    assert kinds[True, True] == 0


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_a_model_has_a_known_scene_and_scheme_and_lies_in_its_scenes_folder(model: WarningModel) -> None:
    assert model.scene in SCENES
    assert model.scheme in SCHEMES
    assert model.path == SHIPPED / model.scene / f"{model.id}.yaml"


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_chinese_texts_are_punctuated_as_chinese(model: WarningModel) -> None:
    texts = [model.title, model.meaning, model.advice, *(one.because for one in model.unless)]
    texts += [example.who for example in model.examples]
    for text in texts:
        assert not set(text.zh) & set(",;:()?"), text.zh


def test_nothing_is_weak_about_the_shipped_models() -> None:
    known = vocabularies()
    assert [issue for issue in check(MODELS.values(), known) if issue.grade is not Grade.LOW] == []


def test_every_name_in_every_condition_is_a_profile_column() -> None:
    assert load(known=vocabularies()).keys() == load(any_names=True).keys()


def test_both_scenes_have_at_least_seven_rules_and_each_entity_a_learned_composite() -> None:
    scenes = Counter(model.scene for model in RULES)
    assert scenes["medical-insurance"] >= 7
    assert scenes["public-works"] >= 7
    learned = {model.entity for model in MODELS.values() if model.detector == "learned"}
    assert learned == {"institution", "practitioner", "tender", "supplier", "buyer"}


@pytest.mark.parametrize(("language", "name"), FILES.items())
def test_the_page_of_the_catalogue_is_current(language: str, name: str) -> None:
    written = (Path(__file__).parents[2] / "docs" / name).read_text(encoding="utf-8")
    assert written == page(MODELS.values(), language), "run `gnomon catalogue docs`"


def test_an_institution_that_reports_totals_only_is_admitted_to_the_learned_model() -> None:
    totals = {"claims_count": None, "patients": None, "reported_claims": 400, "reported_beneficiaries": 90}
    rows = {"T": totals, "few": totals | {"reported_claims": 4}, "none": dict.fromkeys(totals)}
    may, _ = admitted(MODELS["med-institution-composite"], profiles(rows))
    assert may.tolist() == [True, False, False]
