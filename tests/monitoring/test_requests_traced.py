"""Requests are traced and logged by their template, which names nobody."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from gnomon import tracing
from gnomon.config import Settings
from serving.api.app import create

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PERSON = "110101199001011234"


async def asked(app: object) -> None:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gnomon") as client:
        await client.get(f"/v1/warnings/{PERSON}", headers={"traceparent": CALLER})
        await client.get("/healthz")


def test_a_request_goes_on_with_its_callers_trace_and_its_log_line_says_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create(Settings(workspace=tmp_path, traces="file", log_requests=True))
    asyncio.run(asked(app))
    app.state.serving.close()
    tracing.stop()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = [one for one in lines if one.get("trace")]
    assert (line["event"], line["status"], line["trace"]) == ("request", 401, CALLER[3:35])
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / tracing.FOLDER).glob("*.jsonl"))
    (told,) = [json.loads(one) for one in text.splitlines()]
    assert told["name"] == f"GET {line['route']}"
    assert line["route"].startswith("/v1/warnings/{")
    assert told["context"]["trace_id"] == f"0x{CALLER[3:35]}"
    assert PERSON not in text + json.dumps(lines)
