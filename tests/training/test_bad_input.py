"""Bad input ends in a clear error or a stated fallback, never in a silent score."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.errors import Fault
from training import bundle
from training.bundle import Bundle, Learned
from training.detectors import trees
from training.detectors.boosting import Boosting
from training.detectors.forest import Forest
from training.detectors.rarity import Rarity
from training.detectors.screens import Screens
from training.train import fit

DETECTORS: dict[str, Callable[[], Learned]] = {
    "forest": lambda: Forest(trees=40),
    "boosting": Boosting,
    "screens": Screens,
    "rarity": Rarity,
}


def rows_of(labels: pd.Series) -> pd.DataFrame:
    known = labels.dropna()
    table = pd.DataFrame({"entity_id": known.index, "scheme": ""})
    table["outcome"] = known.map({1.0: "confirmed", 0.0: "false_alarm"}).to_numpy()
    for name in ("as_of", "labelled_at"):
        table[name] = pd.Series(pd.NaT, index=table.index, dtype=pd.DatetimeTZDtype("us", "UTC"))
    return table


def changed(profiles: Profiles, column: str, value: float) -> Profiles:
    values, deviations = profiles.values.copy(), profiles.deviations.copy()
    values[column], deviations[column] = value, np.nan if np.isnan(value) else 0.0
    return replace(profiles, values=values, deviations=deviations)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"E000": 1.0, "E001": 1.0}, "training.boosting.one_class"),
        ({f"E{n:03d}": float(n % 2) for n in range(10)}, "training.boosting.too_few"),
    ],
    ids=["one class", "ten labels"],
)
def test_labels_that_cannot_teach_leave_a_detector_without_labels_and_say_so(
    tmp_path: Path, profiles: Profiles, labels: dict[str, float], why: str
) -> None:
    settings = Settings(workspace=tmp_path / "workspace", threads=1)
    fitted = fit(settings, profiles, rows_of(pd.Series(labels)), lambda _: profiles)
    assert (fitted.serving, fitted.why_not, fitted.labelled) == ("rarity", why, len(labels))
    assert fitted.calibration.kind == ""
    with pytest.raises(Fault):
        Boosting().fit(profiles, pd.Series(labels).reindex(profiles.values.index))


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("value", [5.0, np.nan], ids=["constant", "all null"])
def test_a_column_that_tells_nobody_apart_is_not_read(
    name: str, value: float, profiles: Profiles, labels: pd.Series
) -> None:
    given = changed(profiles, "fund_paid", value)
    fitted = DETECTORS[name]().fit(given, labels)
    assert "fund_paid" not in fitted.design.columns
    assert np.isfinite(fitted.score(given)).all()


@pytest.mark.parametrize("name", DETECTORS)
def test_an_infinite_value_is_named_when_fitting_and_when_scoring(
    name: str, profiles: Profiles, labels: pd.Series
) -> None:
    values, deviations = profiles.values.copy(), profiles.deviations.copy()
    at = str(labels.dropna().index[3])
    values.loc[at, "fund_paid"] = deviations.loc[at, "fund_paid"] = np.inf
    given = replace(profiles, values=values, deviations=deviations)
    with pytest.raises(Fault, match="fund_paid"):
        DETECTORS[name]().fit(given, labels)
    with pytest.raises(Fault, match="fund_paid"):
        DETECTORS[name]().fit(profiles, labels).score(given)


@pytest.mark.parametrize("name", DETECTORS)
def test_profiles_without_a_column_of_the_model_are_refused_by_name(
    name: str, profiles: Profiles, labels: pd.Series
) -> None:
    fitted = DETECTORS[name]().fit(profiles, labels)
    kept = tuple(column for column in profiles.columns if column.name != "fund_paid")
    names = [column.name for column in kept]
    frames = {frame: getattr(profiles, frame)[names] for frame in ("values", "deviations", "groups")}
    with pytest.raises(Fault, match="fund_paid"):
        fitted.score(replace(profiles, columns=kept, **frames))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95pickle",
        b"PK\x03\x04zip",
        b"tree\nversion=v4\n",
        b"tree\nversion=v4\nnum_class=1\nend of trees",
    ],
    ids=["empty", "pickle", "zip", "half", "no trees"],
)
def test_a_foreign_model_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "forest.txt"
    path.write_bytes(content)
    with pytest.raises(Fault):
        trees.booster(path)


def test_a_calibration_that_was_changed_or_slipped_in_is_refused(tmp_path: Path, profiles: Profiles) -> None:
    forest = Forest(trees=20).fit(profiles)
    bundle.write(tmp_path, profiles.entity, {"forest": forest}, "forest", {"forest": forest.score(profiles)}, {})
    assert Bundle.load(tmp_path).calibration is None
    (tmp_path / "calibration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(Fault):
        Bundle.load(tmp_path)


def test_a_sealed_bundle_of_another_form_is_a_fault_and_no_traceback(tmp_path: Path, profiles: Profiles) -> None:
    forest = Forest(trees=20).fit(profiles)
    bundle.write(tmp_path, profiles.entity, {"forest": forest}, "forest", {"forest": forest.score(profiles)}, {})
    (tmp_path / "forest.json").write_text('{"trees": 20}', encoding="utf-8")
    bundle.seal(tmp_path)
    with pytest.raises(Fault, match="another version"):
        Bundle.load(tmp_path)


SPOILS: dict[str, Callable[[str], str]] = {
    "a digit more": lambda text: re.sub(r"^leaf_count=", "leaf_count=9", text, count=1, flags=re.MULTILINE),
    "a branch to nowhere": lambda text: re.sub(r"^left_child=\d", "left_child=9", text, count=1, flags=re.MULTILINE),
    "a circle": lambda text: re.sub(r"^left_child=\d", "left_child=0", text, count=1, flags=re.MULTILINE),
    "a feature too many": lambda text: re.sub(
        r"^split_feature=(\d+)", lambda found: f"split_feature={'9' * len(found[1])}", text, count=1, flags=re.MULTILINE
    ),
    "a leaf less": lambda text: re.sub(
        r"^num_leaves=(\d*)(\d)$", lambda found: f"num_leaves={found[1]}{(int(found[2]) + 5) % 10}", text, count=1,
        flags=re.MULTILINE,
    ),
    "another word": lambda text: text.replace("threshold=", "thresh_ld=", 1),
    "endless": lambda text: re.sub(r"^leaf_value=(\S+)", lambda f: "leaf_value=" + "9" * (len(f[1]) - 4) + "e999",
                                   text, count=1, flags=re.MULTILINE),
    "a line slipped in": lambda text: text.replace("end of trees", "import os\nend of trees"),
}  # fmt: skip
"""What would end the process inside LightGBM, or make it read beside its memory."""


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_model_text_that_lies_about_its_trees_is_refused_before_it_is_read(
    spoil: Callable[[str], str], tmp_path: Path, profiles: Profiles
) -> None:
    forest = Forest(trees=5).fit(profiles)
    bundle.write(tmp_path, profiles.entity, {"forest": forest}, "forest", {"forest": forest.score(profiles)}, {})
    path = tmp_path / "forest.txt"
    text = path.read_text(encoding="ascii")
    assert spoil(text) != text
    path.write_text(spoil(text), encoding="ascii")
    bundle.seal(tmp_path)
    with pytest.raises(Fault, match=r"cannot be read \((tree \d|it holds)"):
        Bundle.load(tmp_path)
