"""Settings and the deployment's key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from gnomon.config import Settings


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GNOMON_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GNOMON_BUDGET", "7")
    settings = Settings()
    assert (settings.workspace, settings.budget, settings.lake_url) == (tmp_path, 7, str(tmp_path / "lake"))


def test_a_setting_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError, match="bugdet"):
        Settings(bugdet=7)  # type: ignore[call-arg]


def test_the_key_is_made_once_even_by_processes_that_start_together(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Settings(workspace=tmp_path).secret, range(16)))
    assert len(keys) == 1
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
