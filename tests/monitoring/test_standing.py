"""An alert is what stays moved; its cause says whose turn it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from gnomon.terms import Text
from monitoring import references, standing
from monitoring.comparison import Cause, Drift, Light, SourceDrift
from monitoring.drift import compare, compared
from monitoring.effect import Summary
from monitoring.mix import mixed
from monitoring.outcomes import share
from monitoring.references import Reference
from monitoring.retrain import proposal
from monitoring.scan import summarise_frame

START = datetime(2026, 1, 1, tzinfo=UTC)


def draw(seed: int, n: int = 400, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"score": rng.normal(size=n), "paid": rng.lognormal(size=n), "stays": rng.normal(10, 2, n)})
    return frame.assign(**columns)  # type: ignore[arg-type]


def runs(*frames: pd.DataFrame, model: str = "m/1", season: pd.DataFrame | None = None) -> list[Drift]:
    """Comparisons of the frames with one reference, the newest first."""
    then = summarise_frame(draw(1))
    edges = {name: one.edges for name, one in then.items()}
    back = None if season is None else summarise_frame(season, edges)
    made = [
        compared("institution", then, summarise_frame(frame, edges), as_of=START + timedelta(days=n), model=model,
                 season=back)
        for n, frame in enumerate(frames)
    ]  # fmt: skip
    return made[::-1]


def test_one_moved_comparison_is_no_alert_and_two_are() -> None:
    moved = draw(2, paid=np.random.default_rng(9).lognormal(1.0, 1.0, 400))
    assert standing.alerts(runs(draw(3), moved)) == []
    (found,) = standing.alerts(runs(draw(3), moved, moved))
    assert (found.column, found.cause, found.runs) == ("paid", Cause.CHANGE, 2)
    assert standing.alerts(runs(moved, moved, draw(3))) == []


def test_a_comparison_with_another_model_starts_anew() -> None:
    moved = draw(2, paid=np.random.default_rng(9).lognormal(1.0, 1.0, 400))
    newest, before = runs(moved, moved)
    assert standing.alerts([replace(newest, model="m/2"), before]) == []


def test_what_could_not_be_compared_neither_breaks_nor_lengthens_a_row() -> None:
    moved = draw(2, paid=np.random.default_rng(9).lognormal(1.0, 1.0, 400))
    found = standing.alerts(runs(moved, draw(4, n=14), moved))
    assert [one.runs for one in found] == [2]


def of_source(source: str, *moved: str) -> SourceDrift:
    return SourceDrift(source, Light.AMBER if moved else Light.GREEN, Text("", ""), moved, 200, 200)


def test_what_stays_moved_at_one_source_alone_is_an_alert_that_names_it() -> None:
    newest, before = runs(draw(3), draw(4))
    history = [replace(newest, sources=(of_source("south", "paid", "stays"), of_source("north"))),
               replace(before, sources=(of_source("south", "paid"), of_source("north", "paid")))]  # fmt: skip
    (found,) = standing.of_sources(history)
    assert (found.source, found.columns, found.key) == ("south", ("paid",), "drift:institution:m/1:source:south")
    assert found.told.en.startswith("institution: among the entities of south alone, “paid” has moved in 2")
    assert found.told.zh.startswith("医疗机构：仅在来源 south")
    assert standing.of_sources(history[:1]) == []
    assert standing.of_sources([replace(history[0], model="m/2"), history[1]]) == []


def test_a_source_is_not_named_for_what_everybody_shows() -> None:
    moved = draw(2, paid=np.random.default_rng(9).lognormal(1.0, 1.0, 400))
    history = [replace(one, sources=(of_source("south", "paid"),)) for one in runs(moved, moved)]
    assert [one.column for one in standing.alerts(history)] == ["paid"]
    assert standing.of_sources(history) == []


def test_zeros_unknown_values_and_lost_columns_are_faults_of_the_data() -> None:
    zeros = draw(2, paid=0.0)
    unknown = draw(2, paid=np.nan)
    gone = draw(2).drop(columns="paid")
    for frame in (zeros, unknown, gone):
        found = standing.standing(runs(frame, frame))
        assert [(one.column, one.cause) for one in found] == [("paid", Cause.DATA)]
        assert standing.turn(found) is standing.Why.SOURCE


def test_a_season_is_told_and_is_no_alert() -> None:
    winter = draw(5, paid=np.random.default_rng(6).lognormal(1.0, 1.0, 400))
    before = draw(7, paid=np.random.default_rng(8).lognormal(1.0, 1.0, 400))
    history = runs(winter, winter, season=before)
    assert [one.cause for one in standing.standing(history)] == [Cause.SEASON]
    assert standing.alerts(history) == []


def test_a_retraining_is_proposed_with_its_reasons_and_waits_for_broken_data() -> None:
    moved = draw(2, score=np.random.default_rng(9).normal(2, 1, 400))
    found = standing.standing(runs(moved, moved))
    proposed = proposal("institution", "m/1", found, 2)
    assert proposed.what == "retrain"
    assert "2 comparisons" in proposed.reasons[0].en
    broken = draw(2, score=np.random.default_rng(9).normal(2, 1, 400), paid=0.0)
    assert proposal("institution", "m/1", standing.standing(runs(broken, broken)), 2).what == "wait"
    assert proposal("institution", "m/1", [], 2, share(5, 10), share(4, 10)).what == "nothing"
    assert proposal("institution", "m/1", [], 2, share(60, 100), share(10, 100)).what == "retrain"


def test_stored_summaries_give_the_verdicts_without_a_row_of_the_reference(tmp_path: Path) -> None:
    reference = Reference("institution", "gnomon-institution/3", START, 7, summarise_frame(draw(1)))
    references.keep(reference, tmp_path)
    kept = references.read(tmp_path, "institution", "gnomon-institution/3")
    assert kept == reference
    moved = draw(2, paid=np.random.default_rng(9).lognormal(1.0, 1.0, 400))
    drift = compare("institution", None, moved, tmp_path / "drift", as_of=START, then=kept.summaries)
    assert [row.column for row in drift.moved] == ["paid"]
    assert drift.page is None


def test_a_reference_of_another_version_or_a_broken_one_is_none(tmp_path: Path) -> None:
    path = references.keep(Reference("institution", "m/1", START, 7, {"a": Summary.of([1.0])}), tmp_path)
    assert references.read(tmp_path, "institution", "m/2") is None
    path.write_text("{", encoding="utf-8")
    assert references.read(tmp_path, "institution", "m/1") is None


def test_the_season_before_is_found_among_stored_profiles(tmp_path: Path) -> None:
    for name in ("20250110T000000-v00000003", "20250120T000000-v00000004", "20250120T000000-v00000009", ".half-v1"):
        (tmp_path / name).mkdir()
    found = references.a_year_before(tmp_path, datetime(2026, 1, 19, tzinfo=UTC))
    assert found is not None
    assert found.name == "20250120T000000-v00000009"
    assert references.a_year_before(tmp_path, datetime(2026, 6, 1, tzinfo=UTC)) is None
    assert references.a_year_before(tmp_path / "none", START) is None


def test_a_mix_moves_by_its_shares_and_not_by_its_size() -> None:
    assert not mixed({"dose": 60, "price": 40}, {"dose": 6_100, "price": 3_900}).moved
    found = mixed({"dose": 60, "price": 40}, {"dose": 30, "price": 70})
    assert found.moved
    assert found.told.en == "The mix has moved, most of all “price” (+30%)."
    called = mixed({"dose": 60, "price": 40}, {"dose": 30, "price": 70}, titles={"price": Text("价格", "Price")})
    assert called.told.zh == "构成发生变化，变化最大的是“价格”（+30%）。"
    assert mixed({"dose": 60}, {"dose": 14}).told.en == "Not enough rows: 14 of 50."
    assert mixed({}, {"dose": 60}).state == "no_reference"


def test_rare_reasons_make_no_drift() -> None:
    then = {"dose": 500} | {f"rare {n}": 1 for n in range(40)}
    now = {"dose": 500} | {f"other {n}": 1 for n in range(40)}
    assert not mixed(then, now).moved


def test_a_mix_that_moved_a_year_before_as_well_is_a_season_and_raises_nothing() -> None:
    then, now = {"dose": 600, "price": 400}, {"dose": 30, "price": 70}
    found = mixed(then, now, season={"dose": 33, "price": 67})
    assert (found.moved, found.season, found.alarming) == (True, True, False)
    assert found.told.en.startswith("The mix has moved as it did a year before")
    assert mixed(then, now, season={"dose": 60, "price": 40}).alarming
    few = mixed(then, now, season={"dose": 3, "price": 7})
    assert (few.season, few.alarming) == (None, True)
