"""Every tutorial can be followed to its end, by somebody who types what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.mark.xdist_group("tutorials")
@pytest.mark.parametrize("page", [page for page in PAGES if ".zh." not in page.name], ids=lambda page: page.stem)
def test_a_reader_gets_through(page: Path, reader: Callable[[Path], None]) -> None:
    reader(page)


def test_each_of_the_five_users_has_a_tutorial() -> None:
    users = {"data-scientist", "integrator", "auditor", "model-author", "operator"}
    assert users == {page.stem for page in PAGES if ".zh." not in page.name}
