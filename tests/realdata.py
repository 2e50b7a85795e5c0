"""Where the real data lies, and a clear word where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


def real(*parts: str) -> Path:
    """A file or folder of the real data; skips the test when this machine does not have it."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no {path.name}: the real data sets of shared/data/README.md are not on this machine")
    return path
