"""Whatever the contract allows, and much that it does not, is answered in order: no 5xx, nothing undeclared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gnomon.config import Settings
from serving.api.app import create

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture(scope="module")
def headers(template: tuple[Path, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {role: {"Authorization": f"Bearer {template[1][role]}"} for role in ("supervisor", "administrator")}


@pytest.fixture(scope="module")
def contract(template: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("openapi") / "workspace"
    app = create(Settings(workspace=Path(shutil.copytree(template[0], folder))))
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    app.state.serving.close()


def test_every_route_keeps_its_contract(contract: Any, headers: dict[str, dict[str, str]]) -> None:
    seen = set()
    for found in contract.get_all_operations():
        operation = found.ok()
        administered = {"people", "bodies", "exchange", "process"} & set(operation.definition.raw["tags"])
        token = headers["administrator" if administered else "supervisor"]

        @settings(
            max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
        )
        @given(case=operation.as_strategy())
        def kept(case: Any) -> None:
            case.call_and_validate(headers=token, checks=CHECKS)  # noqa: B023  # called before the next turn

        kept()
        seen.add(operation.label)
    assert len(seen) > 60
    assert {"POST /v1/score", "POST /v1/jobs", "GET /v1/warnings", "POST /v1/cases/{case_id}/actions"} <= seen
