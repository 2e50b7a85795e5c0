"""The threshold of a learned model in a run: where it lies, how it was made, and what may be expected above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnomon.i18n import both
from gnomon.terms import Text
from training.threshold import Aim, Expected, expected, lowest_fdr

if TYPE_CHECKING:
    from training.calibration import Calibration
    from training.design import Floats


@dataclass(frozen=True)
class Threshold:
    """What a run says about the line that it drew."""

    by: str
    """`budget`, `precision` or `fdr`."""
    aim: float
    score: float | None
    """Score of the last one asked about; None when nobody is."""
    asked: int
    population: int
    expected: Expected
    made: Text
    """How the line was drawn and what may be expected, in words."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = {name: getattr(self, name) for name in ("by", "aim", "score", "asked", "population")}
        return told | {"expected": self.expected.as_dict(), "made": {"zh": self.made.zh, "en": self.made.en}}


def told(aim: Aim, score: Floats, fires: npt.NDArray[np.bool_], calibration: Calibration | None) -> Threshold:
    """The line between those of `score` that are asked about and the others, in figures and words."""
    asked = int(fires.sum())
    known = expected(score, calibration, fires)
    line = float(score[fires].min()) if asked else None
    cleared = calibration is not None and calibration.reference_of == "refuted"
    parts = [_made(aim, asked, len(score), calibration, score), *_expected(known, cleared)]
    words = Text("".join(part.zh for part in parts), " ".join(part.en for part in parts))
    return Threshold(aim.by, aim.value, line, asked, len(score), known, words)


def _made(aim: Aim, asked: int, population: int, calibration: Calibration | None, score: Floats) -> Text:
    said: dict[str, object] = {"asked": f"{asked:,}", "population": f"{population:,}"}
    if aim.by == "budget":
        return both("serving.threshold.budget", aim=f"{aim.value:,.0f}", **said)
    if aim.by == "precision":
        return both("serving.threshold.precision", aim=f"{aim.value:.0%}", **said)
    size = 0 if calibration is None else len(calibration.reference)
    kind = "refuted" if calibration is not None and calibration.reference_of == "refuted" else "all"
    said |= {"aim": f"{aim.value:.0%}", "reference": both(f"serving.threshold.reference_{kind}", n=f"{size:,}")}
    if asked or calibration is None:
        return both("serving.threshold.fdr", **said)
    lowest = lowest_fdr(score, calibration)
    key = "none_lower" if lowest < 1.0 else "none"
    return both(f"serving.threshold.fdr_{key}", lowest=f"{lowest:.0%}", **said)


def _expected(known: Expected, cleared: bool) -> list[Text]:
    if known.precision is not None and known.low is not None and known.high is not None:
        told = {"precision": f"{known.precision:.0%}", "low": f"{known.low:.0%}", "high": f"{known.high:.0%}"}
        return [both("serving.threshold.expected", seen=known.seen, confirmed=known.confirmed, **told)]
    if known.false_share is None:
        return []
    if known.false_share >= 1.0 or not cleared:
        # Held against everybody, the guilty ones among them, p-values say how rare a score is and not how often wrong.
        return [both("serving.threshold.unknown")]
    return [both("serving.threshold.false_share", share=f"{known.false_share:.0%}")]
