"""A mapping at work: source rows become rows with contract columns, still as text, column by column."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.connectors import Raw
from features.contracts import contract_of
from features.conversion import PLAIN_NUMBER
from features.mapping import FileOptions, Mapping, Rule, TableMapping
from features.resolution import codes, names
from gnomon.errors import Fault, nearest


@dataclass(frozen=True)
class Offered:
    """Rows that a source offers to one table, before any type is checked."""

    table: str
    raw: Raw
    rules: dict[str, Rule]
    """How each column is to be read (date pattern, zone, scale …)."""
    distinct: bool = False
    """Whether the first row of each key speaks for the key."""


NORMAL_FORMS: dict[str, Callable[[str], str]] = {
    "code": codes.plain,
    "person": names.person_name,
    "phone": names.phone,
    "address": names.address,
}
Carried = dict[tuple[int, Any], int]
"""How many rows of each group earlier batches held, by rule and group."""


def offer(raw: Raw, mapping: Mapping, place: str, key: bytes, carried: Carried | None = None) -> list[Offered]:
    """What the rows of one batch offer to each table of the mapping; `carried` goes from batch to batch.

    Raises
    ------
    Fault
        When the source lacks a column that the mapping reads; all of them are named, with the nearest there is.
    """
    rows = _nulled(raw.rows, mapping.file.nulls)
    _check_sources(rows, mapping, place)
    for name, rule in mapping.derive.items():
        rows = with_column(rows, name, column(rule, rows, key, carried))
    return [_offered(replace(raw, rows=rows), one, place, key, carried) for one in mapping.tables]


def _offered(raw: Raw, one: TableMapping, place: str, key: bytes, carried: Carried | None) -> Offered:
    raw = _selected(raw, one)
    if one.unpivot is not None:
        raw = _unpivoted(raw, one)
    rules = dict(one.columns)
    if one.same_names:
        rules = {**_same_names(raw.rows, one, place), **rules}
    rows = pa.table([column(rule, raw.rows, key, carried) for rule in rules.values()], names=list(rules))
    raw = replace(raw, rows=rows)
    return Offered(one.table, _distinct(raw, one) if one.distinct else raw, rules, one.distinct)


def column(rule: Rule, rows: pa.Table, key: bytes, carried: Carried | None = None) -> pa.ChunkedArray:
    """One column of text (or of lists of text), before it is read as the contract's type."""
    made = (
        _origin(rule, rows) if rule.number_within is None else _numbered(rule, rows, {} if carried is None else carried)
    )
    if pa.types.is_list(made.type):
        return made
    for token in rule.nulls:
        made = pc.if_else(pc.equal(made, token), None, made)
    if rule.values or rule.keywords:
        made = _translated(made, rule)
    if rule.default is not None:
        made = pc.fill_null(made, rule.default)
    if rule.normalise:
        made = _normalised(made, NORMAL_FORMS[rule.normalise])
    return _pseudonyms(made, key) if rule.pseudonym else made


def _origin(rule: Rule, rows: pa.Table) -> pa.ChunkedArray:
    if rule.from_ is not None:
        return rows[rule.from_]
    if rule.text is not None:
        return _filled(rule.text, rows)
    if rule.first_of is not None:
        return pc.coalesce(*(rows[name] for name in rule.first_of))
    if rule.list_ is not None:
        return _listed([rows[name] for name in rule.list_], rows.num_rows)
    if rule.sum_ is not None:
        return _summed([rows[name].combine_chunks() for name in rule.sum_], rows.num_rows)
    kind = pa.list_(pa.string()) if isinstance(rule.constant, list) else pa.string()
    return pa.chunked_array([pa.repeat(pa.scalar(rule.constant, kind), rows.num_rows)])


def _numbered(rule: Rule, rows: pa.Table, carried: Carried) -> pa.ChunkedArray:
    names = rule.number_within or []
    frame = rows.select(names).to_pandas().fillna("")
    groups = frame.groupby(names, sort=False)
    group, places = groups.ngroup().to_numpy(), groups.cumcount().to_numpy()
    sizes = np.bincount(group, minlength=0)
    firsts = frame.iloc[np.flatnonzero(places == 0)].itertuples(index=False, name=None)
    before = np.zeros(len(sizes), np.int64)
    for at, told in enumerate(firsts):
        before[at] = carried.get((id(rule), told), 0)
        carried[id(rule), told] = int(before[at] + sizes[at])
    return pa.chunked_array([pa.array(places + 1 + before[group]).cast(pa.string())])


def _filled(template: str, rows: pa.Table) -> pa.ChunkedArray:
    parts: list[Any] = []
    for words, name, _, _ in Formatter().parse(template):
        parts += [words] if name is None else [words, rows[name]]
    # Joining with a null gives null: an id made from a blank would pool strangers.
    made = pc.binary_join_element_wise(*parts, "")
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([pa.repeat(made, rows.num_rows)])


def _listed(columns: list[pa.ChunkedArray], length: int) -> pa.ChunkedArray:
    flat = np.column_stack([column.to_numpy(zero_copy_only=False) for column in columns]).astype(object)
    there = ~pd.isna(flat)
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    values = pa.array(flat[there].tolist(), pa.string())
    lists = pa.ListArray.from_arrays(pa.array(offsets), values)
    empty = pa.array(~there.any(axis=1))
    return pa.chunked_array([pc.if_else(empty, pa.nulls(length, lists.type), lists)])


def _summed(columns: list[pa.Array], length: int) -> pa.ChunkedArray:
    """Sums as text; a text that is no number makes the sum that text, so that it is refused where it is read."""
    total = pa.nulls(length, pa.decimal256(50, 18))
    odd = pa.nulls(length, pa.string())
    for texts in columns:
        plain = pc.fill_null(pc.match_substring_regex(texts, PLAIN_NUMBER), False)
        odd = pc.coalesce(odd, pc.if_else(plain, None, texts))
        number = pc.if_else(plain, texts, None).cast(pa.decimal256(40, 18))
        both = pc.add(pc.coalesce(total, pa.scalar(0, total.type)), pc.coalesce(number, pa.scalar(0, number.type)))
        known = pc.or_(pc.is_valid(total), pc.is_valid(number))
        total = pc.if_else(known, both, None).cast(pa.decimal256(50, 18))
    return pa.chunked_array([pc.coalesce(odd, total.cast(pa.string()))])


def _translated(made: pa.ChunkedArray, rule: Rule) -> pa.ChunkedArray:
    """Value maps and keywords, once per distinct text."""
    coded = made.combine_chunks().dictionary_encode()
    told = []
    for text in coded.dictionary.to_pylist():
        word = next((value for keyword, value in rule.keywords.items() if keyword in text), None)
        fallback = rule.otherwise if rule.otherwise is not None else None if rule.keywords else text
        told.append(rule.values.get(text, word if word is not None else fallback))
    spoken = pa.array(told, pa.string()).take(coded.indices)
    if rule.otherwise is not None and rule.keywords:
        spoken = pc.fill_null(spoken, rule.otherwise)
    return pa.chunked_array([spoken])


def _normalised(made: pa.ChunkedArray, form: Callable[[str], str]) -> pa.ChunkedArray:
    coded = made.combine_chunks().dictionary_encode()
    told = [form(text) or None for text in coded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(told, pa.string()).take(coded.indices)])


def _pseudonyms(made: pa.ChunkedArray, key: bytes) -> pa.ChunkedArray:
    coded = made.combine_chunks().dictionary_encode()
    told = [hmac.new(key, text.encode(), sha256).hexdigest() for text in coded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(told, pa.string()).take(coded.indices)])


def _selected(raw: Raw, one: TableMapping) -> Raw:
    for name, wanted in one.only.items():
        keep = pc.fill_null(pc.is_in(raw.rows[name], pa.array(wanted)), False).combine_chunks()
        raw = replace(raw, rows=raw.rows.filter(keep), numbers=raw.numbers[keep.to_numpy(zero_copy_only=False)])
    return raw


def _unpivoted(raw: Raw, one: TableMapping) -> Raw:
    assert one.unpivot is not None
    parts, numbers = [], []
    for name in one.unpivot.columns:
        there = pc.is_valid(raw.rows[name]).combine_chunks()
        part = raw.rows.filter(there).drop_columns(list(one.unpivot.columns))
        label = pa.chunked_array([pa.repeat(name, part.num_rows)])
        value = raw.rows[name].filter(there)
        parts.append(part.append_column(one.unpivot.name, label).append_column(one.unpivot.value, value))
        numbers.append(raw.numbers[there.to_numpy(zero_copy_only=False)])
    return replace(raw, rows=pa.concat_tables(parts), numbers=np.concatenate(numbers))


def _distinct(raw: Raw, one: TableMapping) -> Raw:
    key = [name for name in contract_of(one.table).key if name in raw.rows.column_names]
    first = ~raw.rows.select(key).to_pandas().duplicated(keep="first").to_numpy()
    return replace(raw, rows=raw.rows.filter(pa.array(first)), numbers=raw.numbers[first])


def _same_names(rows: pa.Table, one: TableMapping, place: str) -> dict[str, Rule]:
    of = contract_of(one.table)
    strangers = [name for name in rows.column_names if name not in of.by_name]
    missing = [c.name for c in of.columns if c.required and c.name not in (*rows.column_names, *one.columns)]
    if missing:
        told = _list_of_nearest(missing, strangers or rows.column_names)
        raise Fault("features.file.missing", place=place, table=of.name, columns=told)
    if strangers:
        told = _list_of_nearest(strangers, of.by_name)
        raise Fault("features.file.strangers", place=place, table=of.name, columns=told)
    return {name: Rule(from_=name) for name in rows.column_names}


def _check_sources(rows: pa.Table, mapping: Mapping, place: str) -> None:
    there = [*rows.column_names, *mapping.derive]
    read = [source for rule in mapping.derive.values() for source in rule.sources]
    for one in mapping.tables:
        made = () if one.unpivot is None else (one.unpivot.name, one.unpivot.value)
        read += [s for rule in one.columns.values() for s in rule.sources if s not in made]
        read += [*one.only, *(one.unpivot.columns if one.unpivot else ())]
    missing = [name for name in dict.fromkeys(read) if name not in there]
    if missing:
        told = _list_of_nearest(missing, rows.column_names)
        raise Fault("features.file.missing", place=place, table=mapping.name, columns=told)


def _list_of_nearest(names: list[str], known: Any) -> str:
    return "; ".join(f"{name} (→ {nearest(name, known)})" for name in names)


def _nulled(rows: pa.Table, tokens: list[str]) -> pa.Table:
    if not tokens:
        return rows
    marks = pa.array(tokens)
    columns = [
        column if pa.types.is_list(column.type) else pc.if_else(pc.is_in(column, marks), None, column)
        for column in rows.columns
    ]
    return pa.table(columns, names=rows.column_names)


def with_column(rows: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    """The rows with one column more, or with that column replaced."""
    at = rows.schema.get_field_index(name)
    return rows.append_column(name, values) if at < 0 else rows.set_column(at, name, values)


def zone_of(rule: Rule, options: FileOptions) -> str:
    """Time zone in which a column's times are meant."""
    return rule.zone or options.zone
