"""Messages in two languages."""

from __future__ import annotations

import pytest

from gnomon.errors import Fault, Misuse, nearest
from gnomon.i18n import both, say
from gnomon.terms import Text


def test_a_fault_names_place_fault_and_remedy_in_the_readers_language() -> None:
    fault = Misuse("features.contract.unknown", place="clam", nearest="claim")
    assert fault.told("en") == "clam: there is no such table. Nearest: claim; `gnomon tables` lists all."
    assert fault.told("zh").startswith("clam: 没有这张表")
    assert (fault.exit_code, fault.status) == (2, 400)


def test_bilingual_values_are_told_in_the_language_of_the_message() -> None:
    told = both("features.contract.unknown", nearest=Text("结算单", "claim"))
    assert "结算单" in told.zh
    assert "Nearest: claim" in told.en


def test_a_message_that_is_not_written_is_a_bug() -> None:
    with pytest.raises(KeyError):
        say("features.no.such", "en")
    with pytest.raises(KeyError):
        Fault("features.no.such", place="here")


def test_nearest_lists_a_few_names_when_none_is_close() -> None:
    assert nearest("zzz", ["b", "a"]) == "a, b"
