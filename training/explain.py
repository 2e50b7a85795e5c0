"""Pictures of a training run: which columns move the score (shap) and how precision falls as more is reviewed.

The only file that names shap. Contributions themselves come from the detector, exact and without it.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.profiles import Profiles
from training.detectors.contract import Contributions

ROWS = 500
"""The pictures show at most so many entities: they say the same of more."""
DEPENDENCES = 3


def pictures(folder: Path, why: Contributions, profiles: Profiles) -> list[Path]:
    """Draw summary, importance, the dependence of the three weightiest columns and the waterfall of the highest score.

    Rows of `why` are in `profiles`; the files go into `folder`.
    """
    with warnings.catch_warnings():
        # shap draws with matplotlib calls that matplotlib is about to retire; the pictures are right all the same.
        warnings.simplefilter("ignore")
        return _drawn(folder, why, profiles)


def precision_recall(path: Path, scores: pd.DataFrame) -> Path:
    """Draw precision against recall of every ranking in `scores` (columns beside `label`) into `path`."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(6.5, 4.5))
    target = scores["label"].to_numpy(float) > 0.5
    for name in scores.columns.drop("label"):
        hits = target[np.argsort(-scores[name].to_numpy(float), kind="stable")].cumsum()
        axes.step(hits / target.sum(), hits / (np.arange(len(hits)) + 1.0), where="post", label=name)
    axes.axhline(float(target.mean()), color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0.0, 1.0), ylim=(0.0, 1.02))
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return path


def sample(profiles: Profiles, seed: int = 0) -> Profiles:
    """At most `ROWS` entities, drawn once and for all by the seed."""
    if len(profiles.values) <= ROWS:
        return profiles
    picked = np.sort(np.random.default_rng(seed).choice(len(profiles.values), ROWS, replace=False))
    ids = profiles.ids
    return profiles.select([ids[row] for row in picked])


def _drawn(folder: Path, why: Contributions, profiles: Profiles) -> list[Path]:
    plt = _pyplot()
    import shap

    columns = list(why.by_column.columns)
    shown = shap.Explanation(
        values=why.by_column.to_numpy(float),
        base_values=np.full(len(why.by_column), why.base),
        data=profiles.values.loc[why.by_column.index, columns].to_numpy(float),
        feature_names=columns,
    )
    drawn = []
    for name, draw in (("summary", shap.plots.beeswarm), ("importance", shap.plots.bar)):
        plt.close("all")
        draw(shown, show=False, max_display=20)
        drawn.append(_saved(plt, folder / f"{name}.png"))
    weightiest = np.argsort(-np.abs(shown.values).mean(axis=0), kind="stable")[:DEPENDENCES]
    for place, column in enumerate(weightiest, start=1):
        plt.close("all")
        shap.plots.scatter(shown[:, int(column)], show=False)
        drawn.append(_saved(plt, folder / f"dependence_{place}.png"))
    plt.close("all")
    highest = int(np.argmax(shown.values.sum(axis=1)))
    shap.plots.waterfall(shown[highest], show=False, max_display=12)
    drawn.append(_saved(plt, folder / "waterfall.png"))
    plt.close("all")
    return drawn


def _saved(plt: Any, path: Path) -> Path:
    plt.gcf().savefig(path, dpi=110, bbox_inches="tight")
    return path


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot
