"""What every test shares: a clean environment, and in the gate no test may be skipped."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import postgresql

__all__ = ["postgresql"]

# A busy machine draws examples slowly; that says nothing about the code. Speed is measured by the benchmarks.
settings.register_profile("gnomon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gnomon")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests must not leak into them."""
    for name in list(os.environ):
        if name.startswith("GNOMON_") and not name.startswith("GNOMON_TESTS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where nothing may be skipped, a skip is a failure that names what is missing."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("GNOMON_TESTS_NOTHING_SKIPPED"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped where nothing may be skipped ({call.excinfo and call.excinfo.value})"
    return report
