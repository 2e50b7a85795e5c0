"""Files in, models out; every fault of every file at once, each with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from catalogue.load import SHIPPED, CatalogueFault, load
from catalogue.model import Vocabulary, WarningModel

Write = Callable[..., Path]
KNOWN = {"institution": Vocabulary(frozenset({"x", "share", "claims", "top"}), frozenset({"level"}))}


def told(folder: Path) -> list[str]:
    with pytest.raises(CatalogueFault) as caught:
        load(folder, any_names=True)
    assert caught.value.told("zh") != caught.value.told("en")
    return caught.value.told("en").replace(f"{folder}/", "").splitlines()


def test_a_file_in_the_users_folder_is_a_model_without_any_registration(write: Write) -> None:
    model = load(write().parent, any_names=True)["own-model"]
    assert isinstance(model, WarningModel)
    assert model.needs == "claims >= 20"
    assert model.unless[0].because.zh == "一人"
    assert model.examples[2].given == {"claims": 100, "x": None, "share": 0.2}
    assert model.place("alert").endswith("own-model.yaml:14")


def test_a_users_model_overrides_the_shipped_one_of_the_same_id(write: Write) -> None:
    model = load(write("med-rx-over-norm").parent, any_names=True)["med-rx-over-norm"]
    assert model.title.en == "Title"
    assert SHIPPED not in model.path.parents


@pytest.mark.parametrize(
    ("key", "line", "says"),
    [
        ("when", "wen: x >= 1", ":13: the key `wen` is not known. Nearest: `when`."),
        ("stage", "", ":1: the key `stage` is missing."),
        ("version", "version: one", ":2: `version` must be a whole number from 1."),
        ("version", "version: 0", ":2: `version` must be a whole number from 1."),
        ("title", "title: {zh: 标题}", ":8: `title` has no text in `en`."),
        ("title", "title: Title", ":8: `title` must hold keys with values."),
        ("detector", "detector: rul", ":7: `detector` cannot be `rul`. Nearest: `rule`."),
        ("basis", "basis: []", ":11: `basis` must be a list with at least one entry."),
        ("stage", "stage: [a]", ":4: `stage` must be a text."),
        ("when", "when: x > 1\nwhen: x > 2", ":14: the key `when` stands here twice."),
        ("when", "when:", ":13: `when` must be a text."),
        ("when", "when: x >=", ":13: character 5: the condition ends too early."),
        ("when", "when: x => 5", ":13: character 3: `=>` is not a sign of this language. Write `>=`."),
        ("alert", "alert: x", ":14: character 1: `x` is a value, not a condition."),
        ("id", "id: Own_Model", ":1: `Own_Model` cannot be an id."),
        ("id", "id: other", ":1: the model `other` lies in own-model.yaml."),
        ("meaning", "meaning: {zh: a, en: b", "this is not YAML"),
    ],
)
def test_a_fault_is_told_with_its_line_and_remedy(write: Write, key: str, line: str, says: str) -> None:
    lines = told(write(**{key: line}).parent)
    assert any(says in one for one in lines), lines


def test_all_faults_of_all_files_come_at_once(write: Write) -> None:
    write("a-model", stage="stag: x", version="version: x")
    folder = write("b-model", when="when: x = 5", alert="alert: foo(x) > 1").parent
    lines = told(folder)
    assert [one.split(":")[0] for one in lines].count("a-model.yaml") == 3
    assert [one.split(":")[0] for one in lines].count("b-model.yaml") == 2


def test_one_id_may_stand_in_one_file_only(write: Write) -> None:
    path = write()
    (path.parent / "sub").mkdir()
    (path.parent / "sub" / path.name).write_text(path.read_text("utf-8"), "utf-8")
    assert "the id `own-model` is taken by" in "".join(told(path.parent))


def test_a_misnamed_column_is_a_fault_when_the_columns_are_known(write: Write) -> None:
    folder = write(when='when: times_norm(xx) >= 5 and lvel == "3"', alert="alert: claim >= 3").parent
    with pytest.raises(CatalogueFault) as caught:
        load(folder, KNOWN)
    own = [fault.told("en") for fault in caught.value.faults if "own-model" in fault.place]
    assert [one.split(".yaml")[1] for one in own] == [
        ":13: character 12: `xx` is not a column of the institution profile. Nearest: `x`.",
        ":13: character 25: `lvel` is not an attribute of the institution profile. Nearest: `level`.",
        ":14: character 1: `claim` is not a column of the institution profile. Nearest: `claims`.",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "must hold keys with values"),
        (b"- a\n- b\n", "must hold keys with values"),
        ("标题: x".encode("gbk"), "Save it as UTF-8"),
        (b"id: !!python/object/apply:os.system [ls]\n", "`id` must be a text"),
        (b"a: &a [*a]\n", "not known"),
        (b"\x00", "not YAML"),
    ],
)
def test_what_is_no_model_is_refused_with_a_place(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    lines = told(tmp_path)
    assert says in "\n".join(lines)
    assert all(one.startswith("x.yaml") for one in lines)


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "does not exist" in told(tmp_path / "none")[0]


def test_the_digest_changes_with_the_question_and_not_with_the_words(write: Write) -> None:
    digests = [
        load(write(**change).parent, any_names=True)["own-model"].digest
        for change in ({}, {"title": "title: {zh: 甲, en: A}"}, {"alert": "alert: times_norm(x) >= 21"})
    ]
    assert digests[0] == digests[1] != digests[2]
