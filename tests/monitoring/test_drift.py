"""A comparison is kept whole, says its state in words and never stops on odd input."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gnomon.terms import Text
from monitoring.comparison import Drift, Light, State, read
from monitoring.drift import compare
from monitoring.effect import Verdict
from monitoring.standing import history

AS_OF = datetime(2026, 6, 30, tzinfo=UTC)


def profiles(n: int, shift: float = 0.0, seed: int = 1, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"score": rng.normal(size=n), "paid": rng.lognormal(size=n), "stays": rng.normal(size=n)})
    return frame.assign(stays=frame["stays"] + shift, **columns)  # type: ignore[arg-type]


def found(drift: Drift) -> dict[str, Verdict]:
    return {row.column: row.verdict for row in drift.columns}


def test_a_planted_move_is_told_and_the_rest_stays_steady(tmp_path: Path) -> None:
    drift = compare("institution", profiles(400), profiles(400, shift=1.0, seed=2), tmp_path, as_of=AS_OF, model="m/1")
    assert found(drift) == {"score": Verdict.STEADY, "paid": Verdict.STEADY, "stays": Verdict.MOVED}
    assert (drift.state, drift.light) == (State.COMPARED, Light.AMBER)
    assert drift.told == Text("共 3 列，其中 1 列发生漂移。", "1 of 3 columns moved.")


def test_the_page_judges_as_the_figures_do(tmp_path: Path) -> None:
    drift = compare("institution", profiles(400), profiles(400, shift=1.0, seed=2), tmp_path, as_of=AS_OF)
    assert drift.page is not None
    assert "1 out of 3" in drift.page.read_text(encoding="utf-8")


def test_a_moved_score_turns_the_light_red(tmp_path: Path) -> None:
    now = profiles(400, seed=2)
    drift = compare("institution", profiles(400), now.assign(score=now["score"] * 4), tmp_path, as_of=AS_OF)
    assert drift.light is Light.RED


def test_profiles_are_compared_under_their_entity_ids(tmp_path: Path) -> None:
    now = profiles(120, seed=2).set_index(pd.Index([f"H-{n}" for n in range(120)], name="entity_id"))
    assert compare("institution", profiles(120), now, tmp_path, as_of=AS_OF).page is not None


def test_the_kept_comparison_reads_back(tmp_path: Path) -> None:
    titles = {"paid": Text("基金支付", "Fund paid")}
    drift = compare(
        "supplier", profiles(120), profiles(120, seed=2), tmp_path, as_of=AS_OF, model="m/2", titles=titles,
        expected=(0.7, 0.5),
    )  # fmt: skip
    assert (drift.expected_then, drift.expected_now) == (0.7, 0.5)
    assert read(tmp_path, "supplier", "2026-06-30") == drift
    assert drift.columns[1].title == titles["paid"]
    told = json.loads((tmp_path / "supplier" / "2026-06-30" / "figures.json").read_text(encoding="utf-8"))
    assert (told["entity"], told["model"], told["light"]) == ("supplier", "m/2", "green")
    assert (tmp_path / "supplier" / "2026-06-30" / told["page"]).is_file()


def test_the_page_needs_no_network_and_shows_every_compared_column(tmp_path: Path) -> None:
    drift = compare("supplier", profiles(120), profiles(120, seed=2), tmp_path, as_of=AS_OF)
    assert drift.page is not None
    page = drift.page.read_text(encoding="utf-8")
    assert all(name in page for name in ("score", "paid", "stays"))
    assert '<script src="http' not in page


def test_the_same_comparison_twice_is_kept_once_and_a_broken_one_hides_no_other(tmp_path: Path) -> None:
    for day in (28, 29, 30, 30):
        compare("supplier", profiles(80), profiles(80, seed=2), tmp_path, as_of=AS_OF.replace(day=day))
    assert [one.as_of.day for one in history(tmp_path, "supplier")] == [30, 29, 28]
    for day, text in ((29, "{"), (30, '{"entity": "supplier"}')):
        (tmp_path / "supplier" / f"2026-06-{day}" / "figures.json").write_text(text, encoding="utf-8")
    assert [one.as_of.day for one in history(tmp_path, "supplier")] == [28]


@pytest.mark.parametrize(
    ("reference", "current", "state", "told"),
    [
        (None, profiles(80), State.NO_REFERENCE, "No reference yet"),
        (profiles(0), profiles(80), State.NO_REFERENCE, "No reference yet"),
        (profiles(80), profiles(0), State.EMPTY, "no profiles"),
        (profiles(80), profiles(14), State.TOO_FEW, "14 of 50"),
        (profiles(1), profiles(80), State.TOO_FEW, "1 of 50"),
    ],
    ids=["no reference", "empty reference", "empty day", "a handful", "one row then"],
)
def test_what_cannot_be_compared_is_a_grey_state(
    tmp_path: Path, reference: pd.DataFrame | None, current: pd.DataFrame, state: State, told: str
) -> None:
    drift = compare("buyer", reference, current, tmp_path, as_of=AS_OF)
    assert (drift.state, drift.light, drift.page) == (state, Light.GREY, None)
    assert told in drift.told.en
    assert read(tmp_path, "buyer", "2026-06-30") == drift


def test_constant_unknown_new_and_gone_columns_are_told_by_name(tmp_path: Path) -> None:
    then = profiles(90, same=1.0, never=np.nan, old=2.0)
    now = profiles(90, seed=2, same=1.0, never=np.nan, fresh=3.0)
    verdicts = found(compare("tender", then, now, tmp_path, as_of=AS_OF))
    assert verdicts["same"] is Verdict.CONSTANT
    assert verdicts["never"] is Verdict.UNKNOWN
    assert verdicts["old"] is Verdict.GONE
    assert verdicts["fresh"] is Verdict.NEW


@pytest.mark.parametrize(("column", "light"), [("stays", Light.AMBER), ("score", Light.RED)])
def test_a_column_that_is_gone_shows_in_the_light(tmp_path: Path, column: str, light: Light) -> None:
    drift = compare("tender", profiles(90), profiles(90, seed=2).drop(columns=column), tmp_path, as_of=AS_OF)
    assert (drift.light, [row.column for row in drift.moved]) == (light, [column])


def test_only_constant_columns_make_no_page_and_no_fault(tmp_path: Path) -> None:
    flat = pd.DataFrame({"score": np.ones(60), "paid": np.zeros(60)})
    drift = compare("tender", flat, flat, tmp_path, as_of=AS_OF)
    assert (drift.light, drift.page) == (Light.GREEN, None)


def test_a_comparison_without_scores_still_compares_the_measures(tmp_path: Path) -> None:
    drop = profiles(70).drop(columns="score")
    assert found(compare("tender", drop, drop, tmp_path, as_of=AS_OF)) == {"paid": "steady", "stays": "steady"}


def test_figures_are_of_all_rows_though_the_page_is_a_sample(tmp_path: Path) -> None:
    drift = compare("person", profiles(30_000), profiles(30_000, seed=2), tmp_path, as_of=AS_OF)
    assert {row.n_now for row in drift.columns} == {30_000}
    assert drift.page is not None


def test_importing_the_floor_stays_light() -> None:
    heavy = "evidently", "mlflow", "pandas", "sklearn", "shap"
    code = f"import monitoring, monitoring.drift, sys; sys.exit(any(name in sys.modules for name in {heavy!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
