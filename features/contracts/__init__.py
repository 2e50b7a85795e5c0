"""Contracts: one file a table. A new table is a new file here; nothing else has to be edited."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from features.contracts.column import Column, Contract
from gnomon.errors import Misuse, nearest

__all__ = ["Column", "Contract", "contract_of", "contracts"]


@cache
def contracts() -> dict[str, Contract]:
    """All contracts by table name, in alphabetical order."""
    modules = (import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__) if one.name != "column")
    found = (module.CONTRACT for module in modules)
    return {one.name: one for one in sorted(found, key=lambda one: one.name)}


def contract_of(table: str) -> Contract:
    """The contract of `table`; `Misuse` names the nearest table when there is none."""
    known = contracts()
    if table not in known:
        raise Misuse("features.contract.unknown", place=table, nearest=nearest(table, known))
    return known[table]
