"""What a score means: a probability where outcomes allow, a conformal p-value everywhere. Plain numbers, kept as JSON.

Probabilities: Platt 1999 (with his smoothed targets) on few labels, isotonic regression on many, always on scores that
never saw the label. P-values: split conformal, Vovk, Gammerman and Shafer 2005, as Bates and others 2023 use it for
outliers; a reference that holds some guilty entities makes them larger, never smaller.

A reference of everybody bounds what p-values can show: where nobody was cleared, as many of the top scores lie in it as
are asked about, and a limit on false discoveries asks about nobody unless most guilty ones are known already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ISOTONIC_FROM = 200
"""Labels of the rarer kind from which a free monotone curve is better than a line in log-odds."""
KEPT = 10_000
"""Reference scores kept at most: the smallest p-value is then one in ten thousand."""


@dataclass(frozen=True)
class Calibration:
    """How to read the scores of one model."""

    kind: str
    """`platt`, `isotonic`, or empty: no probability."""
    x: tuple[float, ...]
    """Isotonic: scores of the knots. Platt: slope and intercept."""
    y: tuple[float, ...]
    """Isotonic: probability at each knot."""
    reference: tuple[float, ...]
    """Scores, ascending, of entities that the scoring model had not been fitted on."""
    reference_of: str
    """`refuted`: entities that were looked at and cleared; `all`: everybody but those known to be guilty."""
    confirmed: tuple[float, ...] = ()
    """Scores, ascending, of confirmed entities that the scoring model had not been fitted on; empty without labels."""

    def probability(self, score: Floats) -> Floats | None:
        """Chance that an entity of such a score is confirmed when looked at; None where labels told too little."""
        if self.kind == "platt":
            slope, intercept = self.x
            return np.asarray(1.0 / (1.0 + np.exp(-np.clip(slope * score + intercept, -50.0, 50.0))), dtype=float)
        if self.kind == "isotonic":
            return np.asarray(np.interp(score, self.x, self.y), dtype=float)
        return None

    def p_value(self, score: Floats) -> Floats:
        """Conformal p-value of each score."""
        return p_values(np.asarray(self.reference), score)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = {"kind": self.kind, "x": list(self.x), "y": list(self.y)}
        told |= {"reference": list(self.reference), "reference_of": self.reference_of}
        return told | {"confirmed": list(self.confirmed)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """The calibration that `as_dict` wrote."""

        def floats(name: str) -> tuple[float, ...]:
            return tuple(float(one) for one in told[name])

        own = (floats("x"), floats("y"), floats("reference"))
        # Bundles of before do not say which scores were confirmed.
        confirmed = floats("confirmed") if "confirmed" in told else ()
        return cls(str(told["kind"]), *own, str(told["reference_of"]), confirmed)


def learned(score: Floats, target: Floats) -> Calibration:
    """From out-of-fold scores of labelled entities; the refuted ones are the reference."""
    positive = target > 0.5
    refuted, confirmed = score[~positive], _kept(score[positive])
    if min(int(positive.sum()), int((~positive).sum())) >= ISOTONIC_FROM:
        x, y = _isotonic(score, positive)
        return Calibration("isotonic", x, y, _kept(refuted), "refuted", confirmed)
    return Calibration("platt", _platt(score, positive), (), _kept(refuted), "refuted", confirmed)


def unlabelled(score: Floats) -> Calibration:
    """From scores of entities that the scoring model had not been fitted on, none of them known to be guilty."""
    return Calibration("", (), (), _kept(score), "all")


def p_values(reference: Floats, score: Floats) -> Floats:
    """Conformal p-values: (1 + number of reference scores at or above) / (1 + size of the reference).

    They are right on average over references: a limit on false discoveries holds in the mean over deployments, and in
    a single one the share may lie above it.

    >>> p_values(np.array([0.0, 1.0, 2.0]), np.array([5.0, 1.0])).tolist()
    [0.25, 0.75]
    """
    ordered = np.sort(np.asarray(reference, dtype=float))
    above = len(ordered) - np.searchsorted(ordered, score, side="left")
    return np.asarray((1.0 + above) / (1.0 + len(ordered)), dtype=float)


def _kept(score: Floats) -> tuple[float, ...]:
    if len(score) > KEPT:
        score = np.random.default_rng(0).choice(score, KEPT, replace=False)
    return tuple(np.sort(score).tolist())


def _platt(score: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float, float]:
    count = int(positive.sum())
    rest = len(positive) - count
    target = np.where(positive, (count + 1.0) / (count + 2.0), 1.0 / (rest + 2.0))
    middle, spread = float(score.mean()), float(score.std()) or 1.0
    x = np.column_stack([(score - middle) / spread, np.ones(len(score))])
    weight = np.array([1.0, np.log(count / rest)])
    for _ in range(50):
        told = 1.0 / (1.0 + np.exp(-np.clip(x @ weight, -50.0, 50.0)))
        # The tiny ridge keeps the step finite where the two kinds are apart.
        hessian = (x * (told * (1.0 - told))[:, None]).T @ x + 1e-3 * np.eye(2)
        step = np.linalg.solve(hessian, x.T @ (target - told) - 1e-3 * weight)
        weight = weight + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-10:
            break
    slope = max(0.0, float(weight[0])) / spread
    return slope, float(weight[1]) - slope * middle


def _isotonic(score: Floats, positive: npt.NDArray[np.bool_]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(score, positive.astype(float))
    x: Sequence[float] = fitted.X_thresholds_.tolist()
    return tuple(x), tuple(fitted.y_thresholds_.tolist())
