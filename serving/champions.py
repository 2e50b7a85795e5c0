"""Which learned model serves: asked of the registry by batch work, read from a local pointer by the request path.

`python -m serving.champions` brings every champion of the registry into the workspace; `gnomon serve` runs it in a
process of its own at the start, so that the process that answers requests never imports the registry.
"""

from __future__ import annotations

from dataclasses import dataclass

from gnomon.config import Settings
from training import bundle
from training.bundle import Bundle, Champion


@dataclass(frozen=True)
class Loaded:
    """The learned model that serves one kind of entity, ready to score."""

    champion: Champion
    bundle: Bundle

    @property
    def name(self) -> str:
        """`<registered name>/<version>`, as warnings name it."""
        return self.champion.model_version


def fetched(settings: Settings, entity: str) -> Loaded | None:
    """The registry's champion, brought to disk and verified; None when nothing is promoted. Imports MLflow."""
    from training import registry

    # Asking for versions first keeps a workspace without any training from growing an empty MLflow store.
    if not any(one["champion"] for one in registry.versions(settings, entity)):
        return None
    registry.fetch(entity, settings)
    return local(settings, entity)


def local(settings: Settings, entity: str, threads: int | None = None) -> Loaded | None:
    """The champion that the workspace's pointer names, verified; None when there is none. Never asks the registry.

    `threads` are those of one call (the settings' when None): one where many requests are answered at a time.
    """
    pointed = bundle.serving(settings, entity)
    if pointed is None:
        return None
    found = Bundle.load(pointed.folder)
    found.detector.threads = settings.threads if threads is None else threads
    return Loaded(pointed, found)


def bring_all(settings: Settings) -> list[str]:
    """Bring every champion of the registry into the workspace; their names."""
    from features.measures import entities

    found = (fetched(settings, entity) for entity in entities())
    return [one.name for one in found if one is not None]


if __name__ == "__main__":
    bring_all(Settings())
