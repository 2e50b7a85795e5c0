"""SQL databases over a real connection: one SELECT, read in batches, with the watermark bound as a parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from gnomon.errors import Fault, Misuse


def batches(url: str, query: str, values: Mapping[str, Any], size: int, place: str) -> Iterator[list[dict[str, Any]]]:
    """Rows by column name, `size` at a time; the database keeps the rest.

    Raises
    ------
    Misuse
        When the address names no database that can be reached from here.
    Fault
        When the database refuses the connection or the query; passwords are not told.
    """
    try:
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as wrong:
        raise Misuse("features.sql.url", place=place, why=type(wrong).__name__) from None
    try:
        with engine.connect().execution_options(stream_results=True, max_row_buffer=size) as connection:
            result = connection.execute(text(query), dict(values))
            names = list(result.keys())
            for rows in result.partitions(size):
                yield [dict(zip(names, row, strict=True)) for row in rows]
    except SQLAlchemyError as wrong:
        told = str(getattr(wrong, "orig", None) or wrong).strip().splitlines()
        shown = engine.url.render_as_string(hide_password=True)
        raise Fault("features.sql.refused", place=f"{place} ({shown})", why=told[0] if told else "-") from None
    finally:
        engine.dispose()
