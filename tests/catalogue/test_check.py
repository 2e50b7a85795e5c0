"""Suspicious is not invalid: issues by grade."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from catalogue.check import Grade, check
from catalogue.load import load
from catalogue.model import Vocabulary
from tests.catalogue.conftest import RULE

Write = Callable[..., Path]
KNOWN = {"institution": Vocabulary(frozenset({"x", "share", "claims", "top"}), frozenset({"level"}))}


def issues(path: Path) -> list[tuple[Grade, str]]:
    model = load(path.parent, any_names=True)["own-model"]
    return [(issue.grade, issue.text.en) for issue in check([model], KNOWN)]


def edited(write: Write, old: str, new: str) -> Path:
    path = write()
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path


def test_a_sound_model_has_at_most_a_hint(write: Write) -> None:
    assert issues(write()) == [
        (
            Grade.LOW,
            "Nothing says how many peers the norm needs. Add `peers(x) >= 20` to `needs` if the settings' own minimum "
            "is not enough.",
        )
    ]


UNLESS = RULE[RULE.index("unless:") : RULE.index("examples:")].format()
NULL = RULE[RULE.index("  - who: {{zh: 丙") :].format()


@pytest.mark.parametrize(
    ("old", "new", "grade", "says"),
    [
        ("warns: false", "warns: true", Grade.HIGH, "must warn and does not"),
        ("top: 0.9", "top: 0.1", Grade.HIGH, "warns and must not"),
        ("severity: alert", "severity: warn", Grade.HIGH, "gives alert and must give warn"),
        ("when: times_norm(x) >= 5 and share >= 0.1", 'when: level == "3"', Grade.HIGH, "compares no number"),
        ("needs: claims >= 20\n", "", Grade.HIGH, "states no `needs`"),
        (UNLESS, "", Grade.MEDIUM, "can alert and states no exclusion"),
        (NULL, "", Grade.MEDIUM, "No example has a null"),
        ("norm(x): 1, share: 0.2, top: 0.9", "norm(x): 1, share: 0.2, tap: 0.9", Grade.MEDIUM, "gives `tap`"),
        ("scheme: over-prescribing", "scheme: over-prescribin", Grade.LOW, "Nearest: `over-prescribing`"),
        ("share >= 0.1", "share >= 0.1 and claims >= 20", Grade.MEDIUM, "`claims >= 20` stands in `needs`"),
        ("share >= 0.1", "shares >= 0.1", Grade.HIGH, "`shares` is not a column"),
        ("entity: institution", "entity: hospital", Grade.HIGH, "no entity `hospital`"),
    ],
)
def test_what_is_weak_is_told_by_grade(write: Write, old: str, new: str, grade: Grade, says: str) -> None:
    found = issues(edited(write, old, new))
    assert any(has is grade and says in text for has, text in found), found


def test_the_gravest_comes_first(write: Write) -> None:
    grades = [grade for grade, _ in issues(edited(write, "needs: claims >= 20\n", ""))]
    assert grades == sorted(grades, key=list(Grade).index)
