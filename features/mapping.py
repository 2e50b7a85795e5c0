"""Mappings: which source column becomes which contract column, declared in YAML. Nothing in a mapping is executed."""

from __future__ import annotations

from collections.abc import Mapping as Read
from decimal import Decimal
from importlib import resources
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.contracts import contract_of
from gnomon.errors import Misuse, nearest


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError):
        raise ValueError(f"no time zone {name}") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Names = Annotated[list[str], BeforeValidator(lambda told: [told] if isinstance(told, str) else told)]
Implausible = Literal["refuse", "empty", "absolute", "keep"]
"""Negative amounts, events of the future, impossible ages: refuse the row, empty the value, drop the sign, or keep."""
Misfit = Literal["refuse", "empty", "note"]
"""A code without its scheme's form: refuse the row, empty the value, or keep and list it."""
Dangling = Literal["note", "park", "refuse"]
"""A reference whose other end the lake does not hold: count it and go on, keep the row aside until it comes, refuse."""
ORIGINS = ("from", "constant", "text", "first_of", "list", "sum", "number_within")


class Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Rule(Declared):
    """How one column comes about: exactly one origin, then what is done to its text, then how it is read."""

    from_: str | None = Field(None, alias="from", description="A source column, as it is.")
    constant: str | list[str] | None = Field(None, description="The same value in every row.")
    text: str | None = Field(None, description="Text with source columns in braces; null when one of them is.")
    first_of: list[str] | None = Field(None, description="The first of these source columns that is not null.")
    list_: list[str] | None = Field(None, alias="list", description="A list of these columns' values, nulls left out.")
    sum_: list[str] | None = Field(None, alias="sum", description="The sum of these columns, nulls left out.")
    number_within: Names | None = Field(
        None, description="1, 2, 3 … within rows alike in these columns, in file order."
    )

    nulls: Names = Field([], description="Further texts that mean null in this column.")
    values: dict[str, str] = Field({}, description="Source text to contract text; without `otherwise`, others stay.")
    keywords: dict[str, str] = Field({}, description="The value of the first keyword found in the text.")
    otherwise: str | None = Field(None, description="What `values` and `keywords` do not name.")
    default: str | None = Field(None, description="What stands where the column is null.")
    normalise: Literal["", "code", "person", "phone", "address"] = Field(
        "", description="Brought to one form first, so that one person's number written in two ways has one pseudonym."
    )
    pseudonym: bool = Field(False, description="HMAC-SHA256 of the text with the deployment's key.")

    date: str = Field("", description="unix_seconds, year, `days since 2000-01-01`, or a pattern such as %d.%m.%Y.")
    zone: Zone | None = Field(None, description="Time zone of times that do not name one.")
    scale: Decimal | None = Field(None, description="Factor on a number.")
    loose_numbers: bool = Field(False, description="Full-width digits and thousands separators are read.")
    separator: str = Field("", description="What stands between the items of a list.")
    implausible: Implausible | None = Field(None, description="What is done with values that cannot be; else `file`'s.")
    scheme: str = Field("", description="The national coding that the codes follow, e.g. nhsa-drug; see the contract.")
    misfit: Misfit = Field("note", description="What is done with codes that do not have the scheme's form.")

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        told = [
            name
            for name in ORIGINS
            if getattr(self, {"from": "from_", "list": "list_", "sum": "sum_"}.get(name, name)) is not None
        ]
        if len(told) != 1:
            raise ValueError(f"needs exactly one of {', '.join(ORIGINS)}")
        if self.text is not None and any(spec or turn for _, _, spec, turn in Formatter().parse(self.text)):
            raise ValueError("braces in `text` hold a column name and nothing else")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """Source columns that are read."""
        named = [name for _, name, _, _ in Formatter().parse(self.text or "") if name is not None]
        single = [self.from_] if self.from_ is not None else []
        several = (self.first_of, self.list_, self.sum_, self.number_within)
        return (*single, *named, *(name for names in several for name in names or ()))


def _rule(told: Any) -> Any:
    return {"from": told} if isinstance(told, str) else told


RuleOrColumn = Annotated[Rule, BeforeValidator(_rule)]


class Unpivot(Declared):
    """Several columns become several rows: one for each column that is not null."""

    columns: list[str]
    name: str = Field(description="Column that will hold the source column's name.")
    value: str = Field(description="Column that will hold its value.")


class TableMapping(Declared):
    """What one table takes from the source."""

    table: str
    columns: dict[str, RuleOrColumn] = {}
    same_names: bool = Field(False, description="Columns not named here are taken under the contract's own names.")
    only: dict[str, Names] = Field({}, description="Rows that have one of these values in each of these columns.")
    distinct: bool = Field(False, description="One row per key: the first row of each key speaks for it.")
    unpivot: Unpivot | None = None
    dangling: Dangling | None = Field(None, description="What is done with dangling references; else the mapping's.")


class FileOptions(Declared):
    """How the file is read."""

    encoding: str = Field("", description="A codec, or `mixed`: each line in UTF-8 or GB18030 by itself.")
    delimiter: str = Field("", max_length=1)
    sheet: str = ""
    nulls: list[str] = Field([], description="Texts that mean null in every column.")
    zone: Zone = "Asia/Shanghai"
    implausible: Implausible = "refuse"


class Mapping(Declared):
    """A source's shape and the tables it fills."""

    name: str
    title: dict[Literal["zh", "en"], str] = {}
    about: str = ""
    connector: Literal["file", "ocds", "bods", "fhir"] = "file"
    dangling: Dangling = "note"
    fills: str = Field("", description="The only table that is taken; empty takes all.")
    file: FileOptions = FileOptions()
    derive: dict[str, RuleOrColumn] = Field({}, description="Further source columns, made in order before any table.")
    tables: list[TableMapping] = Field([], min_length=0)

    def dangling_of(self, table: str) -> Dangling:
        """What is done with dangling references in rows of a table."""
        return next((one.dangling for one in self.tables if one.table == table and one.dangling), self.dangling)

    @property
    def counts_on(self) -> bool:
        """Whether rows are numbered within groups, so that batches have to be taken in their order."""
        rules = [*self.derive.values(), *(rule for one in self.tables for rule in one.columns.values())]
        return any(rule.number_within is not None for rule in rules)


def straight(table: str) -> Mapping:
    """The mapping of a file whose columns have the contract's own names."""
    return checked(Mapping(name=table, tables=[TableMapping(table=table, same_names=True)]), table)


def shipped() -> dict[str, str]:
    """Texts of the mappings that come with Gnomon, by name."""
    folder = resources.files("features.mappings")
    files = [one for one in folder.iterdir() if one.name.endswith(".yaml")]
    return {
        one.name.removesuffix(".yaml"): one.read_text(encoding="utf-8") for one in sorted(files, key=lambda f: f.name)
    }


def load(name: str) -> Mapping:
    """A shipped mapping by its name, or the mapping in a YAML file.

    Raises
    ------
    Misuse
        When there is none, or it holds something that a mapping cannot hold; every such place is named.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        try:
            return parse(path.read_text(encoding="utf-8"), name)
        except OSError:
            raise Misuse("features.mapping.no_file", place=name) from None
    known = shipped()
    if name not in known:
        raise Misuse("features.mapping.unknown", place=name, nearest=nearest(name, known))
    return parse(known[name], name)


def parse(text: str, place: str) -> Mapping:
    """The mapping that `text` declares."""
    try:
        # The base loader keeps every scalar as it is written: no yes/no turned into bool, no 0.10 into 0.1.
        told = yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError as wrong:
        raise Misuse("features.mapping.yaml", place=place, why=" ".join(str(wrong).split())) from None
    try:
        mapping = Mapping.model_validate(told)
    except ValidationError as wrong:
        raise Misuse("features.mapping.wrong", place=place, why="; ".join(told_wrong(wrong, _PARTS, Mapping))) from None
    return checked(mapping, place)


def checked(mapping: Mapping, place: str) -> Mapping:
    """The mapping, if every table and column that it fills is under contract."""
    for one in mapping.tables:
        of = contract_of(one.table)
        if of.written_by:
            raise Misuse("features.mapping.written_by", place=f"{place}: {one.table}", command=of.written_by)
        for column in one.columns:
            if column not in of.by_name:
                where = f"{place}: {one.table}"
                close = nearest(column, of.by_name)
                raise Misuse("features.mapping.column", place=where, column=column, nearest=close)
        for column, rule in one.columns.items():
            known = of.by_name[column].schemes
            if rule.scheme and rule.scheme not in known:
                where = f"{place}: {one.table}.{column}"
                told = ", ".join(known) or "-"
                raise Misuse("features.mapping.scheme", place=where, scheme=rule.scheme, schemes=told)
    return mapping


_PARTS: dict[str, type[BaseModel]] = {
    "derive": Rule,
    "columns": Rule,
    "file": FileOptions,
    "unpivot": Unpivot,
    "tables": TableMapping,
}


def told_wrong(wrong: ValidationError, parts: Read[str, type[BaseModel]], whole: type[BaseModel]) -> list[str]:
    """What is wrong with a declaration, place by place, with the nearest name where one is not known."""
    keys = {**_PARTS, **parts}
    lines = []
    for error in wrong.errors():
        at = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            owner = next((keys[str(part)] for part in reversed(error["loc"][:-1]) if str(part) in keys), whole)
            names = [field.alias or name for name, field in owner.model_fields.items()]
            lines.append(f"`{at}` → {nearest(str(error['loc'][-1]), names)}?")
        else:
            lines.append(f"`{at}`: {error['msg'].removeprefix('Value error, ')}")
    return lines


def restricted(mapping: Mapping, table: str) -> Mapping:
    """The same mapping for one of its tables only."""
    if mapping.connector != "file":
        contract_of(table)
        return mapping.model_copy(update={"fills": table})
    kept = [one for one in mapping.tables if one.table == table]
    if not kept:
        close = nearest(table, [one.table for one in mapping.tables])
        raise Misuse("features.mapping.table", place=mapping.name, table=table, nearest=close)
    return mapping.model_copy(update={"tables": kept})
