"""Outcomes follow suspicion; random looks of known probability undo it, in figures and at the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import ProfileColumn, Profiles
from gnomon.config import Settings
from gnomon.terms import Direction, Text
from tests.training.conftest import profiles_from
from training import bundle, metrics, outcomes
from training.bundle import Bundle
from training.dataset import examples, labels_for, of_rows
from training.detectors.boosting import Boosting, Recipe
from training.detectors.forest import Forest
from training.gate import judge
from training.sampling import Draw, drawn, population, standing_for, teaching, weighted, weights
from training.train import fit

NOW = datetime(2025, 6, 30, tzinfo=UTC)


def label(entity: str, outcome: str, days: int = 100, inclusion: float | None = None) -> dict[str, object]:
    at = NOW - timedelta(days=days)
    told = {"entity_id": entity, "entity_kind": "institution", "scheme": "", "outcome": outcome}
    return told | {"as_of": at.isoformat(), "labelled_at": at.isoformat(), "inclusion": inclusion}


def rows(*given: dict[str, object]) -> pd.DataFrame:
    return of_rows(pd.DataFrame(list(given)), "institution")


def test_an_entity_stands_for_as_many_as_its_looks_were_rare() -> None:
    table = rows(
        label("suspected", "confirmed"),
        label("drawn", "false_alarm", inclusion=0.01),
        label("twice", "false_alarm", inclusion=0.5),
        label("twice", "false_alarm", days=50, inclusion=0.5),
        label("both", "false_alarm", inclusion=0.01),
        label("both", "confirmed", days=50),
    )
    index = pd.Index(["suspected", "drawn", "twice", "both", "never"])
    assert standing_for(table, index).tolist() == pytest.approx([1.0, 100.0, 4.0 / 3.0, 1.0, 0.0])
    assert standing_for(table.drop(columns="inclusion"), index).tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_a_figure_from_warnings_alone_is_biased_and_the_weighted_one_is_not() -> None:
    """Outcomes follow an old model. How well does a new one rank *all* entities? 95% intervals, sixty worlds."""
    truth, naive, corrected, held = [], [], [], 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        old, new = rng.normal(size=800), rng.normal(size=800)
        target = (rng.random(800) < 1.0 / (1.0 + np.exp(3.0 - 1.5 * old - 1.0 * new))).astype(float)
        ids = [f"E{n}" for n in range(800)]
        suspected = {ids[n] for n in np.argsort(-old)[:80]}
        weight = weights(ids, suspected, drawn(ids, suspected, 160, str(seed)))
        seen = np.where(weight > 0.0, target, np.nan)
        actual = weighted(target, new, np.ones(800), 0.1)["average_precision"]
        truth.append(actual)
        naive.append(weighted(seen, new, (weight > 0.0).astype(float), 0.1)["average_precision"])
        corrected.append(weighted(seen, new, weight, 0.1)["average_precision"])
        if seed < 10:
            figure = population(seen, new, weight, 0.1, seed)["average_precision"]
            held += figure.low <= actual <= figure.high
    assert np.mean(naive) > np.mean(truth) + 0.06
    assert abs(np.mean(corrected) - np.mean(truth)) < 0.03
    assert held >= 8


@pytest.fixture
def worlds(tmp_path: Path, profiles: Profiles) -> dict[str, tuple[Bundle, pd.DataFrame]]:
    """The champion finds one of two schemes; the candidate finds both, the first a little less sharply."""
    rng = np.random.default_rng(5)
    one, other = np.arange(len(profiles.ids)) < 30, np.arange(len(profiles.ids)) >= 340
    noise = rng.random(len(profiles.ids))
    made = {}
    for name, score in (("champion", 3.0 * one + noise), ("candidate", 0.6 * one + 1.5 * other + noise)):
        forest = Forest(trees=20).fit(profiles)
        folder = tmp_path / name
        bundle.write(folder, profiles.entity, {"forest": forest}, "forest", {"forest": forest.score(profiles)}, {})
        made[name] = (Bundle.load(folder), pd.DataFrame({"forest": score}, index=profiles.values.index))
    return made


def test_the_gate_lets_in_who_finds_what_warnings_missed(
    worlds: dict[str, tuple[Bundle, pd.DataFrame]], profiles: Profiles
) -> None:
    ids, guilty = profiles.ids, np.r_[np.ones(30), np.zeros(310), np.ones(60)]
    champion = worlds["champion"][1]["forest"].to_numpy()
    suspected = {ids[n] for n in np.argsort(-champion)[:60]}
    draw = drawn(ids, suspected, 30, "looks")
    weight = weights(ids, suspected, draw)
    known = pd.Series(np.where(weight > 0.0, guilty, np.nan), index=profiles.values.index)
    each = pd.Series(weight, index=profiles.values.index)
    blind = judge("2", worlds["candidate"], worlds["champion"], profiles, known, 60)
    fair = judge("2", worlds["candidate"], worlds["champion"], profiles, known, 60, each)
    assert blind.figures["candidate"] < blind.figures["champion"]
    assert fair.figures["candidate"] > fair.figures["champion"]
    assert fair.passed
    assert (blind.figures["random_looks"], fair.figures["random_looks"]) == (0, len(draw.ids))
    assert 0.0 <= fair.figures["champion_at_budget"] <= 1.0


def test_training_tells_figures_for_all_entities_where_chance_chose_some(
    tmp_path: Path, profiles: Profiles, labels: pd.Series
) -> None:
    known = labels.dropna()
    drawn_at = [0.1 if n % 4 == 0 else None for n in range(len(known))]
    words = known.map({1.0: "confirmed", 0.0: "false_alarm"})
    table = rows(*(label(str(e), w, inclusion=p) for (e, w), p in zip(words.items(), drawn_at, strict=True)))
    settings = Settings(workspace=tmp_path, threads=1)
    fitted = fit(settings, profiles, table, lambda _: profiles, folds=2)
    figure = fitted.population["average_precision"]
    assert 0.0 < figure.low < figure.value < figure.high <= 1.0
    assert fitted.population["base_rate"].value != pytest.approx(known.mean()), "a quarter stands for ten each"


def test_a_refutation_younger_than_the_delay_is_no_negative(profiles: Profiles) -> None:
    given = rows(
        label("E010", "false_alarm", days=3), label("E011", "false_alarm", days=40), label("E012", "confirmed", days=3)
    )
    ripe = outcomes.ripe(given, NOW, 30)
    told = labels_for(profiles, ripe)
    assert np.isnan(told["E010"]), "unknown, as if nobody had looked yet"
    assert (told["E011"], told["E012"]) == (0.0, 1.0)
    assert labels_for(profiles, outcomes.ripe(given, NOW, 0))["E010"] == 0.0
    later = outcomes.ripe(given, NOW + timedelta(days=30), 30)
    assert labels_for(profiles, later)["E010"] == 0.0, "it teaches once it has stood long enough"


def test_who_was_never_looked_at_is_unknown_and_never_taught_as_honest(profiles: Profiles) -> None:
    """The same labels, with three hundred unlabelled beside them or without: the same model."""
    ids = profiles.ids[:100]
    given = rows(*(label(one, "confirmed" if n % 3 == 0 else "false_alarm") for n, one in enumerate(ids)))
    judged, target = examples(profiles, given, lambda _: profiles)
    assert (len(judged.ids), int(target.notna().sum())) == (400, 100)
    few = profiles.select(ids)
    both = [Boosting(recipes=(Recipe(20),)).fit(one, target.reindex(one.ids)).score(few) for one in (judged, few)]
    assert np.array_equal(*both)


def test_nobody_drawn_stands_for_nobody() -> None:
    assert weights(["a"], [], Draw((), 0.0)).tolist() == [0.0]


def test_what_was_drawn_at_random_weighs_in_training_and_finds_more_of_what_nobody_suspected() -> None:
    """Outcomes follow a model that knows half of the matter; a few looks at random stand for all the others."""
    plain, weighed = [], []
    for seed in (100, 101, 102):
        rng = np.random.default_rng(seed)
        ids = pd.Index([f"E{n:05d}" for n in range(1200)], name="entity_id")
        values = pd.DataFrame(rng.normal(10.0, 1.0, (1200, 6)), index=ids, columns=[f"m{n}" for n in range(6)])
        columns = tuple(ProfileColumn(x, x, "", Text(x, x), "", Direction.HIGH) for x in values.columns)
        world = profiles_from(values, columns)
        drive = 1.2 * (values.m0 - 10) + 1.6 * (values.m1 - 10) * (values.m0 < 10.5) + rng.normal(0.0, 0.5, 1200)
        guilty = drive > drive.quantile(0.93)
        suspected = values.m0.nlargest(120).index.tolist()
        draw = drawn(world.ids, suspected, 20, str(seed))
        weight = pd.Series(weights(world.ids, suspected, draw), ids)
        labels, rest = guilty.astype(float).where(weight > 0.0), (weight == 0.0).to_numpy()
        for found, counts in ((plain, None), (weighed, teaching(weight))):
            score = Boosting(threads=1, weights=counts).fit(world, labels).score(world)
            found.append(metrics.average_precision(guilty.to_numpy()[rest], score[rest]))
    assert np.mean(weighed) > np.mean(plain)


def test_weights_are_none_without_random_looks_and_roots_with_them() -> None:
    assert teaching(pd.Series([1.0, 1.0, 0.0], ["a", "b", "c"])) is None
    told = teaching(pd.Series([1.0, 1.0, 400.0, 0.0], ["a", "b", "c", "d"]))
    assert told is not None
    assert told.mean() == pytest.approx(1.0)
    assert told.index.tolist() == ["a", "b", "c"], "who has no label is not among them"
    assert told["c"] / told["a"] == pytest.approx(20.0)


def test_labels_without_random_looks_are_not_weighted_and_even_weights_change_nothing(
    profiles: Profiles, labels: pd.Series
) -> None:
    known = labels.dropna()
    given = rows(*(label(str(one), "confirmed" if known[one] else "false_alarm") for one in known.index))
    counts = teaching(standing_for(given, profiles.values.index))
    even = Boosting(recipes=(Recipe(20),), weights=pd.Series(1.0, profiles.values.index)).fit(profiles, labels)
    plain = Boosting(recipes=(Recipe(20),)).fit(profiles, labels)
    assert counts is None
    assert np.allclose(even.score(profiles), plain.score(profiles), atol=1e-6)
