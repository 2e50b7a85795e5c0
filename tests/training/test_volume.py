"""Size measures are named where they are declared: a renamed measure must not slip out of the list."""

from __future__ import annotations

from features.measures import entities
from training import volume


def test_every_size_and_total_names_a_measure_that_exists() -> None:
    for kind, entity in entities().items():
        named = volume.SIZES.get(kind, frozenset()) | set(volume.TOTALS.get(kind, ()))
        assert named <= set(entity.measures), kind
