"""Which rows may enter the lake, and which are kept aside with the reason: every row offered is accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import national_codes, plausibility
from features.aside import REFUSED
from features.connectors import Broken
from features.contracts import Column, Contract, contract_of
from features.conversion import PLAIN_NUMBER, Reading, convert
from features.mapping import FileOptions, Rule
from features.staging import Superseded
from features.transform import Offered, zone_of
from gnomon.i18n import both
from gnomon.terms import Text


@dataclass(frozen=True)
class Checked:
    """One batch of rows for one table."""

    table: str
    rows: pa.Table
    """Rows under contract; several may still share a key."""
    numbers: npt.NDArray[np.int64]
    refused: pa.Table
    """What was refused or repaired, a line per fault; see `features.aside.REFUSED`."""
    read: int
    refused_rows: int
    repaired: int
    """Values that were mended by a declared rule, those of `refused` included."""


def check(offered: Offered, options: FileOptions, file: str) -> Checked:
    """Read every column as its contract's type and keep what obeys the contract.

    A row is refused when a value does not say what its column's type asks for, when a value cannot be (unless the
    mapping declares how to mend it), or when a required column is empty.
    """
    of = contract_of(offered.table)
    sheet = _Sheet(of, file, offered.raw.numbers)
    columns: dict[str, pa.Array] = {}
    texts = {name: _whole(offered.raw.rows[name]) for name in offered.rules}
    for column in of.columns:
        if column.name not in offered.rules:
            columns[column.name] = pa.nulls(len(sheet.numbers), of.schema.field(column.name).type)
            continue
        rule, text = offered.rules[column.name], texts[column.name]
        values = columns[column.name] = convert(text, column, _reading(rule, options))
        if rule.scheme:
            _coded(column, columns, rule, text, sheet)
        shown = None if rule.pseudonym else text
        if values.null_count > text.null_count:
            wrong = _mask(pc.is_valid(text)) & ~_mask(pc.is_valid(values))
            sheet.refuse(wrong, column.name, shown, _not_its_type(column))
        if column.required and text.null_count:
            sheet.refuse(~_mask(pc.is_valid(text)), column.name, None, both("features.refused.required"))
        if rule.loose_numbers and column.type in ("int", "decimal", "ratio", "money"):
            plain = pc.fill_null(pc.match_substring_regex(text, PLAIN_NUMBER), True)
            sheet.repaired += int((_mask(pc.is_valid(values)) & ~_mask(plain)).sum())
    for column in (c for c in of.columns if c.name in offered.rules):
        _plausible(of, column, columns, offered.rules[column.name], options, texts[column.name], sheet)
    rows = pa.table(columns)
    if not sheet.good.all():
        rows = rows.filter(pa.array(sheet.good))
    broken = offered.raw.broken
    refused = pa.concat_tables([_broken_rows(broken, of.name, file), *sheet.faults])
    refused_rows = int((~sheet.good).sum()) + len(broken)
    read = len(sheet.numbers) + len(broken)
    repaired = sheet.repaired + offered.raw.repaired
    return Checked(of.name, rows, sheet.numbers[sheet.good], refused, read, refused_rows, repaired)


@dataclass
class _Sheet:
    """What is said against the rows of one batch."""

    of: Contract
    file: str
    numbers: npt.NDArray[np.int64]
    faults: list[pa.Table] = field(default_factory=list)
    repaired: int = 0

    @cached_property
    def good(self) -> npt.NDArray[np.bool_]:
        """Rows without a fault so far."""
        return np.ones(len(self.numbers), bool)

    def refuse(self, bad: npt.NDArray[np.bool_], column: str, texts: pa.Array | None, reason: Text) -> None:
        """These rows do not enter."""
        if bad.any():
            self.note(bad, column, texts, reason, "refused")
            self.good[bad] = False

    def empty(
        self,
        bad: npt.NDArray[np.bool_],
        column: str,
        columns: dict[str, pa.Array],
        texts: pa.Array | None,
        reason: Text,
    ) -> None:
        """These rows enter without the value."""
        values = columns[column]
        columns[column] = pc.if_else(pa.array(bad), pa.scalar(None, values.type), values)
        self.repaired += int(bad.sum())
        self.note(bad, column, texts, reason, "emptied")

    def note(self, bad: npt.NDArray[np.bool_], column: str, texts: pa.Array | None, reason: Text, action: str) -> None:
        """Keep a line for each of these rows. Values of a pseudonym are not told: `texts` is None."""
        told = pa.nulls(int(bad.sum()), pa.string()) if texts is None else _shown(texts.filter(pa.array(bad)))
        self.faults.append(faults(self.of.name, self.file, self.numbers[bad], column, told, reason, action))


def _coded(column: Column, columns: dict[str, pa.Array], rule: Rule, texts: pa.Array, sheet: _Sheet) -> None:
    """Codes of a declared scheme: brought to its form, and those that have another one dealt with as declared."""
    read = national_codes.read_lists if column.type == "list" else national_codes.read
    before = columns[column.name]
    codes, misfit = read(before, rule.scheme)
    odd = _mask(pc.fill_null(misfit, False))
    same = pc.equal(*(pc.binary_join(x, "\n") if column.type == "list" else x for x in (codes, before)))
    sheet.repaired += int((~_mask(pc.fill_null(same, True))).sum())
    columns[column.name] = codes
    if not odd.any():
        return
    scheme = national_codes.SCHEMES[rule.scheme]
    reason = both("features.refused.scheme", scheme=scheme.title, form=scheme.told)
    shown = None if rule.pseudonym else texts
    if rule.misfit == "note":
        sheet.note(odd, column.name, shown, reason, "noted")
    elif rule.misfit == "empty" and not column.required:
        sheet.empty(odd, column.name, columns, shown, reason)
    else:
        sheet.refuse(odd, column.name, shown, reason)


def _plausible(
    of: Contract,
    column: Column,
    columns: dict[str, pa.Array],
    rule: Rule,
    options: FileOptions,
    texts: pa.Array,
    sheet: _Sheet,
) -> None:
    policy = rule.implausible or options.implausible
    if policy == "keep" or (told := plausibility.wrong(of, column, columns)) is None:
        return
    if not pc.any(told).as_py():
        return
    bad = _mask(pc.fill_null(told, False))
    reason = plausibility.reason(column)
    negative = column.type in ("money", "decimal", "int", "ratio")
    if policy == "absolute" and negative:
        columns[column.name] = pc.if_else(pa.array(bad), pc.abs(columns[column.name]), columns[column.name])
        sheet.repaired += int(bad.sum())
        sheet.note(bad, column.name, texts, reason, "absolute")
    elif policy == "empty" and not column.required:
        sheet.empty(bad, column.name, columns, texts, reason)
    else:
        sheet.refuse(bad, column.name, texts, reason)


def _reading(rule: Rule, options: FileOptions) -> Reading:
    return Reading(rule.date, zone_of(rule, options), rule.scale, rule.loose_numbers, rule.separator)


def superseded(of: Contract, file: str, told: Superseded) -> pa.Table:
    """The refusals of rows that a later row of their source replaces."""
    reason = both("features.refused.superseded")
    return faults(of.name, file, told.numbers, ", ".join(of.key), told.keys, reason)


def orphaned(table: str, rows: pa.Table) -> pa.Table:
    """The refusals of rows whose parents the lake does not hold, as `features.parking.park` took them out."""
    told = [
        {
            "table": table,
            "file": row["_file"],
            "row": row["_row"],
            "column": row["_column"],
            "value": row["_value"],
            "reason_zh": (reason := both("features.refused.orphan", parent=row["_parent"])).zh,
            "reason_en": reason.en,
            "action": "refused",
        }
        for row in rows.select(["_file", "_row", "_column", "_value", "_parent"]).to_pylist()
    ]
    return pa.Table.from_pylist(told, REFUSED)


def _broken_rows(broken: tuple[Broken, ...], table: str, file: str) -> pa.Table:
    rows = [
        {
            "table": table,
            "file": file,
            "row": one.row,
            "column": None,
            "value": one.value[:200],
            "reason_zh": one.reason.zh,
            "reason_en": one.reason.en,
            "action": "refused",
        }
        for one in broken
    ]
    return pa.Table.from_pylist(rows, REFUSED)


def faults(
    table: str,
    file: str,
    numbers: npt.NDArray[np.int64],
    column: str,
    values: pa.Array,
    reason: Text,
    action: str = "refused",
) -> pa.Table:
    """Lines of `REFUSED`, one a row number."""
    n = len(numbers)
    told = [table, file, pa.array(numbers), column, values, reason.zh, reason.en, action]
    columns = [one if isinstance(one, pa.Array | pa.ChunkedArray) else pa.repeat(one, n) for one in told]
    return pa.table(columns, schema=REFUSED)


def _not_its_type(column: Column) -> Text:
    if column.type == "enum":
        return both("features.refused.enum", values=", ".join(column.values))
    kind = {"decimal": "number", "ratio": "number", "money": "number"}.get(column.type, column.type)
    return both(f"features.refused.{kind}")


def _shown(texts: pa.Array) -> pa.Array:
    plain = pc.binary_join(texts, "; ") if pa.types.is_list(texts.type) else texts
    return pc.utf8_slice_codeunits(plain, 0, 200)


def _whole(values: pa.ChunkedArray) -> pa.Array:
    return values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks or [pa.array([], values.type)])


def _mask(flags: pa.Array) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = flags.to_numpy(zero_copy_only=False)
    return mask
