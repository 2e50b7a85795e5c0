"""Faults that a user can act on. Form: *place: fault. remedy*, in the user's language."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from gnomon.i18n import say
from gnomon.terms import Language


class Fault(Exception):
    """Something is wrong at a place, and this is what would make it right.

    Parameters
    ----------
    key:
        Message key (see `gnomon.i18n`); the message holds the fault and the remedy, two sentences.
    place:
        Where: a file and row, a column, a model, a command-line option.
    status:
        HTTP status that the edge answers with.
    exit_code:
        1 when the work failed, 2 when the command was used wrongly.
    values:
        Placeholders of the message.
    """

    def __init__(self, key: str, *, place: str, status: int = 422, exit_code: int = 1, **values: object) -> None:
        self.key = key
        self.place = place
        self.status = status
        self.exit_code = exit_code
        self.values = values
        super().__init__(self.told(Language.EN))

    def told(self, language: str) -> str:
        """The whole message in `language`."""
        return f"{self.place}: {say(self.key, language, **self.values)}"


class Misuse(Fault):
    """The command or request itself is wrong: exit code 2, HTTP 400."""

    def __init__(self, key: str, *, place: str, **values: object) -> None:
        super().__init__(key, place=place, status=400, exit_code=2, **values)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name closest to `name`, or a list of the first few when none is close.

    >>> nearest("claim_idd", ["claim_id", "person_id"])
    'claim_id'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return close[0] if close else ", ".join(names[:8])
