"""The page on the workflow says what the table of moves says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases.handbook import PAGES, page
from gnomon.terms import Language


@pytest.mark.parametrize("language", list(Language))
def test_the_page_is_current(language: Language) -> None:
    written = Path(__file__).parents[2].joinpath("docs", PAGES[language]).read_text(encoding="utf-8")
    assert written == page(language), "run `python -m cases.handbook docs`"
