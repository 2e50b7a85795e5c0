"""Measures: small documented functions over views of contracted tables, one file an entity or a subject of one."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from features.measures.declare import Entity
from gnomon.errors import Misuse, nearest

__all__ = ["Entity", "entities", "entity"]


@cache
def entities() -> dict[str, Entity]:
    """All kinds of entities by name. A new file in this folder is found without being listed anywhere."""
    modules = [import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__)]
    found = (value for module in modules for value in vars(module).values() if isinstance(value, Entity))
    return {one.kind: one for one in sorted(found, key=lambda one: one.kind)}


def entity(kind: str) -> Entity:
    """One kind of entity; `Misuse` names the nearest when there is none."""
    known = entities()
    if kind not in known:
        raise Misuse("features.entity.unknown", place=kind, nearest=nearest(kind, known))
    return known[kind]
