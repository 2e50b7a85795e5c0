"""Declared sources: one YAML each says where records come from, how they are mapped, how often, and since when.

`${NAME}` and `${NAME:-default}` in addresses, headers and paths stand for environment variables, so that no secret has
to be written into a file. Nothing in a declaration is executed but its SQL query, with the watermark bound.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping as Read
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from features.mapping import Declared, Mapping, Names, checked, load, told_wrong
from gnomon.errors import Misuse, nearest

_PLACE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_CRON = re.compile(r"^(@(hourly|daily|weekly|monthly)|(\S+\s+){4}\S+)$")


class Watermark(Declared):
    """The column by which a source is read onwards: rows after the largest value seen so far."""

    column: str
    type: Literal["ts", "date", "int", "text"] = "ts"
    start: str = Field("", description="Where the first run begins; empty: at the smallest value of the type.")
    overlap: int = Field(0, ge=0, description="Seconds (days, units) that every run reads once more, for late rows.")

    def bound(self, reached: str | None) -> Any:
        """The value to bind: the reached one less the overlap, in the column's own type."""
        told = reached or self.start
        if self.type == "int":
            return int(told or 0) - self.overlap
        if self.type == "date":
            return date.fromisoformat(told or "1900-01-01") - timedelta(days=self.overlap)
        if self.type == "ts":
            return datetime.fromisoformat(told or "1900-01-01T00:00:00") - timedelta(seconds=self.overlap)
        return told

    def later(self, reached: str | None, value: Any) -> str | None:
        """The larger of what was reached and a value that has been read, as text that `bound` reads back."""
        if value is None or value == "":
            return reached
        told = value.isoformat() if isinstance(value, date | datetime) else str(value)
        try:
            return told if reached is None or self._order(told) > self._order(reached) else reached
        except ValueError:
            return reached

    def _order(self, told: str) -> Any:
        if self.type == "int":
            return int(told)
        if self.type == "text":
            return told
        moment = datetime.fromisoformat(told)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


class Files(Declared):
    """Files in folders."""

    paths: Names


class Sql(Declared):
    """A database: SQLite, PostgreSQL (`postgresql+psycopg://`) or MySQL (`mysql+pymysql://`)."""

    url: str
    query: str = Field(description="One SELECT. `:watermark` is bound; nothing is put into the text.")
    batch: int = Field(50_000, ge=1, description="Rows fetched at a time.")

    @field_validator("query")
    @classmethod
    def _reads_only(cls, told: str) -> str:
        if not re.match(r"\s*(select|with)\b", told, re.IGNORECASE) or ";" in told.strip().rstrip(";"):
            raise ValueError("the query has to be one SELECT")
        return told.strip().rstrip(";")


class Paging(Declared):
    """How a service tells its pages."""

    by: Literal["none", "number", "offset", "cursor", "link"] = "none"
    parameter: str = Field("page", description="Query parameter of the page, the offset or the cursor.")
    first: int = 1
    size_parameter: str = ""
    size: int = Field(0, ge=0)
    next: str = Field("", description="For `cursor`: where the next cursor stands in the answer, e.g. `page.next`.")


class Http(Declared):
    """A service that answers with JSON."""

    url: str
    items: str = Field(
        "", description="Where the list stands in the answer, e.g. `data.rows`; empty: the answer itself."
    )
    parameters: dict[str, str] = Field({}, description="Further query parameters.")
    headers: dict[str, str] = Field({}, description="Request headers, such as Authorization.")
    since: str = Field("", description="Query parameter that takes the watermark.")
    paging: Paging = Paging()
    pages: int = Field(10_000, ge=1, description="Pages after which a run stops with a fault.")
    timeout: float = Field(30.0, gt=0, description="Seconds to wait for an answer.")
    largest: int = Field(64 << 20, ge=1, description="Bytes that one answer may have.")


class Declaration(Declared):
    """One source of records."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: dict[Literal["zh", "en"], str]
    about: str = ""
    system: str = Field("", description="The kind of system, in the words of its owner.")
    schedule: str = Field("", description="When to run it, in cron's five fields or @daily; told to the scheduler.")
    mapping: Mapping
    watermark: Watermark | None = None
    files: Files | None = None
    sql: Sql | None = None
    http: Http | None = None

    @field_validator("schedule")
    @classmethod
    def _cron(cls, told: str) -> str:
        if told and not _CRON.match(told):
            raise ValueError("not a schedule: five fields as cron writes them, or @hourly, @daily, @weekly, @monthly")
        return told

    @field_validator("mapping", mode="before")
    @classmethod
    def _named_mapping(cls, told: Any) -> Any:
        return load(told) if isinstance(told, str) else told

    @model_validator(mode="after")
    def _one_source(self) -> Declaration:
        if sum(one is not None for one in (self.files, self.sql, self.http)) != 1:
            raise ValueError("needs exactly one of files, sql, http")
        if self.files is not None and self.watermark is not None:
            raise ValueError("files need no watermark: the same file twice changes nothing")
        if self.files is None and self.mapping.connector != "file":
            raise ValueError(f"a {self.mapping.connector} mapping reads files")
        if self.sql is not None and (":watermark" in self.sql.query) != (self.watermark is not None):
            raise ValueError("`watermark` and `:watermark` in the query go together")
        if self.http is not None and bool(self.http.since) != (self.watermark is not None):
            raise ValueError("`watermark` and `http.since` go together")
        return self


def declared() -> dict[str, str]:
    """Texts of the declarations that come with Gnomon as samples, by name."""
    files = [one for one in resources.files("features.sources").iterdir() if one.name.endswith(".yaml")]
    return {
        one.name.removesuffix(".yaml"): one.read_text(encoding="utf-8") for one in sorted(files, key=lambda f: f.name)
    }


def declaration(name: str) -> Declaration:
    """A shipped declaration by its name, or the one in a YAML file.

    Raises
    ------
    Misuse
        When there is none, or it holds something that a declaration cannot hold; every such place is named.
    """
    if name.endswith((".yaml", ".yml")):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError:
            raise Misuse("features.source.no_file", place=name) from None
    else:
        known = declared()
        if name not in known:
            raise Misuse("features.source.unknown", place=name, nearest=nearest(name, known))
        text = known[name]
    return parsed(text, name)


def parsed(text: str, place: str) -> Declaration:
    """The declaration that `text` holds."""
    try:
        told = yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError as wrong:
        raise Misuse("features.mapping.yaml", place=place, why=" ".join(str(wrong).split())) from None
    if isinstance(told, dict) and isinstance(told.get("mapping"), dict):
        told["mapping"] = {"name": told.get("name", ""), **told["mapping"]}
    try:
        source = Declaration.model_validate(told)
    except ValidationError as wrong:
        raise Misuse(
            "features.source.wrong", place=place, why="; ".join(told_wrong(wrong, _PARTS, Declaration))
        ) from None
    checked(source.mapping, place)
    return source


def filled(told: str, place: str, environment: Read[str, str] | None = None) -> str:
    """The text with environment variables in place of `${NAME}`."""
    known = os.environ if environment is None else environment

    def value(found: re.Match[str]) -> str:
        name, default = found.groups()
        if name in known:
            return known[name]
        if default is None:
            raise Misuse("features.source.variable", place=place, name=name)
        return default

    return _PLACE.sub(value, told)


_PARTS: dict[str, type[BaseModel]] = {
    "files": Files,
    "sql": Sql,
    "http": Http,
    "paging": Paging,
    "watermark": Watermark,
    "mapping": Mapping,
}
