"""Traces: nothing is loaded while they are off, and what a span may tell is on a list."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gnomon import tracing
from gnomon.config import Settings
from gnomon.errors import Misuse


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    tracing.stop()


def spans(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_nothing_of_opentelemetry_is_loaded_while_traces_are_off() -> None:
    code = (
        "import sys; from gnomon import tracing; from gnomon.config import Settings; tracing.start(Settings())\n"
        "with tracing.span('score', entity='x') as told: told.tell(rows=1); told.note('case', case=1)\n"
        "assert (tracing.on(), tracing.context(), tracing.trace_id()) == (False, '', '')\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_span_takes_no_fact_that_is_not_listed_though_traces_are_off() -> None:
    with pytest.raises(ValueError, match="person_id"), tracing.span("score", person_id="110101199001011234"):
        pass
    with pytest.raises(ValueError, match="name"), tracing.span("score") as told:
        told.note("case", name="Zhang San")


def test_a_step_of_another_process_goes_on_with_the_trace(tmp_path: Path) -> None:
    tracing.start(Settings(workspace=tmp_path, traces="file"))
    with tracing.span("ingest", source="clinic"):
        first, kept = tracing.trace_id(), tracing.context()
    with tracing.span("other"):
        aside = tracing.context()
    with tracing.span("score", follows=kept, links=[aside]), tracing.span("profile", entity="institution"):
        assert tracing.trace_id() == first
    by_name = {one["name"]: one for one in spans(tmp_path / tracing.FOLDER)}
    assert by_name["score"]["parent_id"] == by_name["ingest"]["context"]["span_id"]
    assert by_name["profile"]["parent_id"] == by_name["score"]["context"]["span_id"]
    assert by_name["score"]["links"][0]["context"]["trace_id"] == by_name["other"]["context"]["trace_id"]
    assert by_name["profile"]["attributes"] == {"gnomon.entity": "institution"}


def test_a_trace_that_cannot_be_read_begins_a_new_one(tmp_path: Path) -> None:
    tracing.start(Settings(workspace=tmp_path, traces="file"))
    with tracing.span("score", follows="00-zz-1-01"):
        assert len(tracing.trace_id()) == 32


def test_an_error_leaves_its_kind_on_the_span_and_not_its_text(tmp_path: Path) -> None:
    tracing.start(Settings(workspace=tmp_path, traces="file"))
    with pytest.raises(RuntimeError), tracing.span("score"):
        raise RuntimeError("Zhang San, 110101199001011234")
    (told,) = spans(tmp_path / tracing.FOLDER)
    assert told["status"] == {"status_code": "ERROR", "description": "RuntimeError"}
    assert "Zhang" not in json.dumps(told)


def test_a_collector_gets_the_spans_over_http(tmp_path: Path) -> None:
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tracing.start(Settings(workspace=tmp_path, traces=f"http://127.0.0.1:{server.server_port}"))
    with tracing.span("profile", entity="institution"):
        pass
    tracing.stop()
    server.shutdown()
    server.server_close()
    ((path, body),) = got
    assert path == "/v1/traces"
    assert b"profile" in body
    assert b"gnomon.entity" in body


def test_a_place_that_takes_no_traces_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse):
        tracing.start(Settings(workspace=tmp_path, traces="ftp://collector"))
