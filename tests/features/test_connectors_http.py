"""Sources behind HTTP: a real server on loopback, every way of paging, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest

from features.connectors import http
from features.declaration import parsed
from features.ingest import Ingested
from features.lake import Lake
from features.pull import pull

ROWS = [
    {"id": f"R{n}", "topic": "noise", "at": f"2024-03-0{n}T00:00:00+08:00", "office": {"code": f"O{n}"}}
    for n in range(1, 6)
]
SOURCE = """
name: service
title: {{zh: 服务, en: Service}}
mapping:
  tables:
    - table: service_request
      columns:
        request_id: id
        channel: {{constant: app}}
        topic_code: topic
        received_at: at
        handler_org_id: office.code
watermark: {{column: at}}
http:
  url: {url}
  since: since
  headers: {{Authorization: "Bearer ${{TOKEN}}"}}
  {more}
"""
Answer = Callable[[dict[str, str], Any], tuple[int, Any, dict[str, str]]]


class Server:
    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = lambda _asked, _url: (200, ROWS, {})
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                ours.asked.append(told)
                ours.headers.append(dict(self.headers))
                status, body, headers = ours.answer(told, ours.url)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/requests"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("TOKEN", "secret-token")
    monkeypatch.setattr(http.time, "sleep", lambda _: None)
    made = Server()
    yield made
    made.close()


def run(tmp_path: Path, server: Server, more: str = "timeout: 5") -> list[Ingested]:
    told = SOURCE.format(url=server.url, more=more)
    return pull(parsed(told, "test.yaml"), Lake(str(tmp_path / "lake")), tmp_path / "refused", b"key")


def by_number(asked: dict[str, str], _url: str) -> tuple[int, Any, dict[str, str]]:
    at = (int(asked["page"]) - 1) * 2
    return 200, {"data": {"rows": ROWS[at : at + 2]}}, {}


def by_offset(asked: dict[str, str], _url: str) -> tuple[int, Any, dict[str, str]]:
    return 200, {"data": {"rows": ROWS[int(asked["from"]) : int(asked["from"]) + 2]}}, {}


def by_cursor(asked: dict[str, str], _url: str) -> tuple[int, Any, dict[str, str]]:
    at = int(asked.get("cursor", "0"))
    return 200, {"data": {"rows": ROWS[at : at + 2]}, "next": at + 2 if at + 2 < len(ROWS) else None}, {}


def by_link(asked: dict[str, str], url: str) -> tuple[int, Any, dict[str, str]]:
    at = int(asked.get("at", "0"))
    link = {"Link": f'<{url}?at={at + 2}>; rel="next", <{url}>; rel="first"'} if at + 2 < len(ROWS) else {}
    return 200, {"data": {"rows": ROWS[at : at + 2]}}, link


@pytest.mark.parametrize(
    ("answer", "paging"),
    [
        (by_number, "{by: number, size: 2, size_parameter: size}"),
        (by_offset, "{by: offset, parameter: from, first: 0, size: 2}"),
        (by_cursor, "{by: cursor, parameter: cursor, next: next}"),
        (by_link, "{by: link}"),
    ],
)
def test_all_pages_are_read_however_they_are_told(server: Server, tmp_path: Path, answer: Answer, paging: str) -> None:
    server.answer = answer
    (told,) = run(tmp_path, server, f"items: data.rows\n  paging: {paging}")
    assert told.fault is None, told.fault
    assert (told.read, told.new) == (5, 5)
    rows = pq.ParquetDataset(Lake(str(tmp_path / "lake")).files("service_request")).read().to_pylist()
    assert {row["handler_org_id"] for row in rows} == {f"O{n}" for n in range(1, 6)}
    assert all(one["Authorization"] == "Bearer secret-token" for one in server.headers)


def test_the_next_run_asks_from_the_watermark(server: Server, tmp_path: Path) -> None:
    run(tmp_path, server)
    run(tmp_path, server)
    assert [one["since"] for one in server.asked] == ["1900-01-01T00:00:00", "2024-03-05T00:00:00+08:00"]


def test_a_busy_service_is_asked_again(server: Server, tmp_path: Path) -> None:
    answers = iter([(503, {}, {}), (429, {}, {}), (200, ROWS, {})])
    server.answer = lambda _asked, _url: next(answers)
    (told,) = run(tmp_path, server)
    assert told.new == 5


@pytest.mark.parametrize(
    ("answer", "more", "told"),
    [
        (lambda _a, _u: (401, {}, {}), "timeout: 5", "status 401"),
        (lambda _a, _u: (500, {}, {}), "timeout: 5", "status 500"),
        (lambda _a, _u: (200, b"<html>", {}), "timeout: 5", "not answer with JSON"),
        (lambda _a, _u: (200, {"error": "no"}, {}), "items: data.rows", "no list of objects at `data.rows`"),
        (lambda _a, _u: (200, ROWS, {}), "largest: 10", "more than 10 bytes"),
        (by_number, "items: data.rows\n  paging: {by: number}\n  pages: 2", "more than 2 pages"),
        (lambda _a, _u: (200, {"r": ROWS, "n": 1}, {}), "items: r\n  paging: {by: cursor, next: n}", "same next page"),
        (
            lambda _a, _u: (200, ROWS, {"Link": '<http://127.0.0.1:1/x>; rel="next"'}),
            "paging: {by: link}",
            "another host",
        ),
        (lambda _a, _u: (302, {}, {"Location": "http://127.0.0.1:1/x"}), "timeout: 5", "status 302"),
    ],
)
def test_what_goes_wrong_is_told_and_nothing_goes_in(
    server: Server, tmp_path: Path, answer: Answer, more: str, told: str
) -> None:
    server.answer = answer
    (done,) = run(tmp_path, server, more)
    assert done.fault is not None
    assert told in done.fault.told("en")
    assert "secret-token" not in done.fault.told("en")
    assert Lake(str(tmp_path / "lake")).version == 0
