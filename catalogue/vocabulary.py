"""What conditions may name: the profile columns and attributes of each kind of entity, read from the measures."""

from __future__ import annotations

from catalogue.model import Vocabulary


def vocabularies() -> dict[str, Vocabulary]:
    """Columns and attributes by kind of entity."""
    from features.measures import entities

    return {
        kind: Vocabulary(
            columns=frozenset(column.name for column in entity.columns),
            attributes=frozenset({"name", *(attribute for group in entity.peers for attribute in group)}),
        )
        for kind, entity in entities().items()
    }
