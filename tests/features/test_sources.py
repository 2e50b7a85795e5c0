"""Every sample declaration over its real kind of connection: a file, a database, a service."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.aside import kept_aside
from features.declaration import Declaration, declaration, declared
from features.lake import Lake
from features.pull import pull

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sources"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))


class Service:
    """Answers as the declaration says that its service pages: one full page, then none."""

    def __init__(self, rows: list[Any], told: Declaration) -> None:
        assert told.http is not None
        items = told.http.items

        class Handler(BaseHTTPRequestHandler):
            asked = 0

            def do_GET(self) -> None:
                Handler.asked += 1
                answer: Any = rows if Handler.asked == 1 else []
                for name in reversed(items.split(".") if items else []):
                    answer = {name: answer}
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(params=sorted(declared()))
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Declaration]:
    """A declaration whose system is there, holding the fixture."""
    told = declaration(request.param)
    variable = told.name.upper().replace("-", "_")
    if told.sql is not None:
        path = tmp_path / "source.db"
        _database(path, told.sql.query, FIXTURES / f"{told.name}.csv")
        monkeypatch.setenv(f"{variable}_DATABASE", f"sqlite:///{path}")
    elif told.http is not None:
        rows = json.loads((FIXTURES / f"{told.name}.json").read_text(encoding="utf-8"))
        service = Service(rows, told)
        monkeypatch.setenv(f"{variable}_URL", service.url)
        monkeypatch.setenv(f"{variable}_TOKEN", "token")
        yield told
        service.close()
        return
    else:
        folder = tmp_path / "inbox" / told.name
        folder.mkdir(parents=True)
        for path in FIXTURES.glob(f"{told.name}.*"):
            (folder / path.name).write_bytes(path.read_bytes())
        monkeypatch.setenv("GNOMON_INBOX", str(tmp_path / "inbox"))
    yield told


def _database(path: Path, query: str, fixture: Path) -> None:
    with fixture.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    found = re.search(r"FROM (\S+)", query)
    assert found is not None
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE {found.group(1)} ({', '.join(header)})")
    marks = ", ".join("?" * len(header))
    connection.executemany(f"INSERT INTO {found.group(1)} VALUES ({marks})", [[v or None for v in row] for row in rows])
    connection.commit()
    connection.close()


def test_a_sample_source_fills_its_tables_from_its_fixture(source: Declaration, tmp_path: Path) -> None:
    expected = EXPECTED[source.name]
    lake = Lake(str(tmp_path / "lake"))
    done = pull(source, lake, tmp_path / "refused", b"key")
    assert [one.fault.told("en") for one in done if one.fault is not None] == []
    assert all(one.read == one.kept + one.refused + one.duplicate + one.parked for one in done)
    refusals = [(one.table, told.column, told.reason.en) for one in done for told in one.refusals]
    kept = {one.table: one.kept for one in done if one.kept}
    tables = {name: rows for name, rows in expected.items() if name not in ("see", "refused", "repaired")}
    assert kept == tables, refusals
    assert sum(one.refused for one in done) == expected.get("refused", 0), refusals
    assert ("repaired" not in expected) or sum(one.repaired for one in done) == expected["repaired"]
    # The fixture's codes have the form of the scheme that the sample declares.
    assert "noted" not in kept_aside(tmp_path / "refused")["action"].to_pylist()
    assert lake.version == 1
    assert (source.name in lake.watermarks()) == (source.watermark is not None)
    if "see" in expected:
        table, key, value, column, wanted = expected["see"]
        rows = pq.ParquetDataset(lake.files(table)).read().to_pylist()
        (row,) = [one for one in rows if one[key] == value]
        found = row[column]
        assert (float(found) if isinstance(wanted, int | float) and not isinstance(wanted, bool) else found) == wanted


def test_there_is_a_sample_for_every_kind_of_system_and_each_says_what_it_is() -> None:
    known = {name: declaration(name) for name in declared()}
    assert len(known) >= 30
    assert set(EXPECTED) == set(known)
    for name, told in known.items():
        assert told.name == name
        assert set(told.title) == {"zh", "en"}
        assert told.schedule
        assert told.about
        assert told.system
    kinds = {"sql" if one.sql else "http" if one.http else one.mapping.connector for one in known.values()}
    assert kinds == {"sql", "http", "file", "ocds"}
    paging = {one.http.paging.by for one in known.values() if one.http}
    assert paging == {"number", "offset", "cursor", "link"}


def test_no_sample_holds_a_secret_or_an_address() -> None:
    for name, text in declared().items():
        assert not re.search(r"https?://|password|://\w+:\w+@", text), name
