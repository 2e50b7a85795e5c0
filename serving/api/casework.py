"""What API and console share when people work on cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from cases import bodies
from cases.people import Person
from gnomon.errors import Fault


@contextmanager
def elsewhere(session: Session, asking: Person) -> Iterator[None]:
    """Keep the number of a case that the person may not see out of the fault that it is in the way.

    That another body handles the same question cannot be hidden, for two cases about it may not stand; which one can.
    """
    try:
        yield
    except Fault as fault:
        raise shielded(session, asking, fault) from None


def shielded(session: Session, asking: Person, fault: Fault) -> Fault:
    """The fault as this person may read it."""
    other = fault.values.get("other")
    if fault.key == "cases.other_open" and isinstance(other, int) and not bodies.sees(session, asking, other):
        return Fault("serving.cases.elsewhere", place=fault.place, status=409)
    return fault
