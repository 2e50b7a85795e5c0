"""A model file whose numbers were spoilt before it was sealed: its scores are told, its reasons are not believed."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cases import pages, store
from features.build import build
from features.engine import Engine
from features.lake import Lake
from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault
from serving import cli
from serving.engine import EntityRun, score_all
from serving.scoring import scorer
from tests.serving.clinics import CLINICS, clinics, labels
from training import bundle, explain, registry
from training.bundle import Bundle
from training.card import card
from training.dataset import labels_for
from training.detectors.boosting import Boosting
from training.flat import flat

ONE = "training.boosting.one_class"
COUNT = re.compile(r"^(leaf_count=\d+ )(\d+)", re.MULTILINE)
AS_OF = datetime(2025, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Profiles, Bundle]:
    """A workspace whose champion is verified, loads and scores, and of whose leaves one in each tree counts no row any
    more: TreeSHAP divides by that count, and what it tells is no number and adds up to nothing."""
    settings = clinics(tmp_path_factory.mktemp("city") / "workspace")
    profiles = build(Engine.open(Lake(settings.lake_url)), "institution", AS_OF, settings.min_peers)
    folder, plots = tmp_path_factory.mktemp("made") / "bundle", tmp_path_factory.mktemp("plots")
    known = labels_for(profiles, labels(CLINICS))
    boosting = Boosting(threads=1).fit(profiles, known)
    about = {
        "columns": list(boosting.design.columns),
        "card": card(profiles, "forest", boosting.design.columns, boosting.score(profiles), None, ONE),
    }
    bundle.write(
        folder, "institution", {"boosting": boosting}, "boosting", {"boosting": boosting.score(profiles)}, about
    )
    path = folder / "boosting.txt"
    text = path.read_text(encoding="ascii")
    path.write_text(COUNT.sub(lambda found: found[1] + "0" * len(found[2]), text), encoding="ascii")
    bundle.seal(folder)
    made = Bundle.load(folder)
    registry.log(
        settings, made, params={"lake_version": profiles.lake_version, "as_of": profiles.as_of.isoformat()},
        metrics={}, tags={}, plots=plots, example=flat(explain.sample(profiles), made.columns).head(5), scores=None,
    )  # fmt: skip
    assert registry.promote(settings, "institution", profiles, None).passed
    return settings, profiles, made


@pytest.fixture(scope="module")
def run(spoilt: tuple[Settings, Profiles, Bundle]) -> tuple[EntityRun, str]:
    settings, _, _ = spoilt
    made = score_all(settings, ["institution"], AS_OF)
    return made.entities[0], made.run_id


def test_the_bundle_loads_and_scores_and_its_contributions_do_not_add_up(
    spoilt: tuple[Settings, Profiles, Bundle],
) -> None:
    _, profiles, made = spoilt
    scored = made.score(profiles)
    off = np.abs(scored.base + scored.contributions.sum(axis=1).to_numpy() - scored.score)
    assert np.isfinite(scored.score).all()
    assert not (off <= 1e-6).any()


def test_its_warnings_are_counted_and_told_and_none_is_issued(
    spoilt: tuple[Settings, Profiles, Bundle], run: tuple[EntityRun, str]
) -> None:
    settings, _, _ = spoilt
    done, run_id = run
    assert len(done.refused) == next(one["fires"] for one in done.models if one["version"] == done.champion) > 0
    assert all("add up" in one for one in done.refused)
    with transaction(store.upgrade(settings)) as session:
        issued = [row.warned() for row in pages.warnings(session, limit=200).rows]
    assert [one.model for one in issued if one.model_version == done.champion] == []
    assert {"med-dead-person-claim"} <= {one.model for one in issued}, "rules are issued all the same"
    told = json.loads((settings.workspace / "runs" / f"{run_id}.json").read_text(encoding="utf-8"))
    assert told["entities"][0]["refused"] == done.refused


def test_the_command_counts_them_in_its_row_says_so_and_fails(
    spoilt: tuple[Settings, Profiles, Bundle],
    run: tuple[EntityRun, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, _, _ = spoilt
    words = ["gnomon", "score", "institution", "--as-of", "2025-06-30", "--format", "json"]
    monkeypatch.setattr(sys, "argv", [*words, "--workspace", str(settings.workspace)])
    monkeypatch.setenv("GNOMON_LANGUAGE", "en")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert json.loads(told.out)[0]["refused"] == len(run[0].refused)
    assert f"{len(run[0].refused)} " in told.err.splitlines()[-1]


def test_nobody_is_given_its_reasons_over_http_either(spoilt: tuple[Settings, Profiles, Bundle]) -> None:
    settings, _, _ = spoilt
    serving = scorer(settings, "institution", {})
    some = serving.entities(["C0", "C1"])
    assert pd.Series([one.learned.score for one in serving.score(some, explain=False) if one.learned]).notna().all()
    with pytest.raises(Fault, match="do not add up") as refused:
        serving.score(some)
    assert refused.value.status == 500
    assert isinstance(settings.workspace, Path)


def test_a_model_file_cut_short_scores_nobody_and_the_run_says_so(
    spoilt: tuple[Settings, Profiles, Bundle], run: tuple[EntityRun, str]
) -> None:
    settings, _, _ = spoilt
    path = settings.workspace / "bundles" / "institution" / "1" / "boosting.txt"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    try:
        (done,) = score_all(settings, ["institution"], AS_OF, dry=True).entities
    finally:
        path.write_bytes(whole)
    assert (done.champion, done.threshold, len(done.faults)) == (None, None, 1)
    assert "does not match its hash" in done.faults[0]
    assert (done.refused, done.issued) == ([], run[0].issued), "rules are issued all the same"
