"""What each figure of `benchmarks.detection` is held against: its aim, or the plain model's figure where there is none.

The aim of ranking tenders without labels is asked of the directed screens as they serve, row `unsupervised`. The row
`unsupervised, no size` beside it is stricter than what is asked: the same screens without the price level
(`lowest_bid`), so that large tenders do not rank first for being large. It is held against the same aim.
"""

from __future__ import annotations

SCREENED = {
    "brazil": 0.75, "swiss-ticino": 0.75, "japan-okinawa": 0.75, "italy": 0.55, "swiss-gr-sg": 0.55, "usa-milk": 0.55
}  # fmt: skip
"""ROC AUC of screens alone: in three markets they are to tell cartels apart, elsewhere to be better than chance."""
UNSUPERVISED = ("unsupervised", "unsupervised, no size")
PROVIDERS = {
    ("supervised", "average_precision"): 0.82,
    ("supervised", "roc_auc"): 0.96,
    ("supervised", "precision_at_budget"): 0.89,
    ("rates only", "average_precision"): 0.70,
    ("unsupervised less trivial", "average_precision"): 0.0,
}
ROWS = {"roc_auc": 0.76, "average_precision": 0.43}
"""Means over the ADBench sets."""
STRANGER, BAND, WARNED = 0.60, 0.85, 0.02
"""ROC AUC of a market never learned from, ROC AUC within a size band, share of an ordinary city that may be warned."""


def aim(name: str, task: str, metric: str) -> float | None:
    """The figure asked for of a set and task; None where nothing is, or only to be better than the plain model."""
    if name.startswith("adbench mean"):
        return ROWS.get(metric) if task == "unsupervised" else None
    if name == "medicare-us":
        return BAND if task.startswith("within size band") else PROVIDERS.get((task, metric))
    if task == "warned":
        return WARNED
    if metric != "roc_auc":
        return None
    if task.startswith("transfer"):
        return STRANGER
    return SCREENED.get(name) if task in UNSUPERVISED else None


def met(task: str, value: float | None, aim_: float | None, baseline: float | None) -> bool | None:
    """Whether a figure reaches its aim (a share of warnings: stays at or under it), else whether it beats the baseline.

    >>> met("supervised", 0.81, 0.82, 0.778), met("supervised", 0.81, None, 0.778), met("warned", 0.01, 0.02, None)
    (False, True, True)
    """
    if value is None or (aim_ is None and baseline is None):
        return None
    if task == "warned" and aim_ is not None:
        return value <= aim_
    return value >= aim_ if aim_ is not None else value > (baseline or 0.0)
