"""Outcomes follow suspicion; random looks of known probability undo it, in figures and at the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from gnomon.config import Settings
from training import bundle, outcomes
from training.bundle import Bundle
from training.dataset import examples, labels_for, of_rows
from training.detectors.boosting import Boosting, Recipe
from training.detectors.forest import Forest
from training.gate import judge
from training.sampling import Draw, drawn, population, standing_for, weighted, weights
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
