"""Which detector serves a kind of entity while nothing can be learned from outcomes, and why that one.

The choice is one for all deployments and was made once: institutions on two sample cities and the public provider set,
tenders on one sample city and the public tender sets. Labels and planted schemes were read to compare three detectors
and never to fit one, so figures on these same data carry that choice. It is kept here, in sight, instead of being tuned
on the data at hand: without labels there is nothing to tune it by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from training.detectors.forest import Forest
from training.detectors.rarity import Rarity
from training.detectors.screens import Screens
from training.evaluate import MAKERS, Maker

Unlabelled = Forest | Screens | Rarity
CHOSEN: Mapping[str, str] = {"tender": "screens", "institution": "rarity"}
"""Detector by kind of entity; the isolation forest for every other kind. Screens of suppliers, practitioners and buyers
rank by size, which the road then excuses: few questions would be left."""
_DETECTORS: Mapping[str, Callable[[int, int], Unlabelled]] = {
    "forest": lambda seed, threads: Forest(seed=seed, threads=threads),
    "screens": lambda seed, threads: Screens(seed=seed, threads=threads),
    "rarity": lambda seed, threads: Rarity(seed=seed, threads=threads),
}


def name(entity: str) -> str:
    """Name of the detector that serves a kind of entity without labels.

    >>> name("tender"), name("practitioner")
    ('screens', 'forest')
    """
    return CHOSEN.get(entity, "forest")


def detector(entity: str, seed: int = 0, threads: int = 0) -> Unlabelled:
    """That detector, not yet fitted."""
    return _DETECTORS[name(entity)](seed, threads)


def makers(entity: str) -> dict[str, Maker]:
    """What an evaluation compares: the detector that learns from labels, and the one that does without."""

    def make(seed: int) -> Unlabelled:
        return detector(entity, seed)

    return {"boosting": MAKERS["boosting"], name(entity): make}
