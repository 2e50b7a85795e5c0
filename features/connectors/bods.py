"""Beneficial Ownership Data Standard 0.4: statements to organization, person and org_interest rows.

The statement with the latest date speaks for a record. An organisation goes by its identifier of 18 characters, else
by `<scheme>-<id>`, else by `X-` and the record's id; a person only by a pseudonym. A share told as a range stands with
its lower bound, the part that is certain. A closed record ends with the day of the statement that closed it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from features.connectors.archive import contents, decoded
from features.connectors.standard import Batch, Json, Row, a_list, an_object, batch, objects, pseudonym, text
from features.mapping import Mapping
from gnomon.errors import Fault


class _Register:
    """The records told in a set of files, each with its newest statement."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.records: dict[str, tuple[int, Json]] = {}

    def take(self, number: int, statement: Json) -> None:
        name = text(statement.get("recordId")) or text(statement.get("statementId"))
        if name is None:
            return
        held = self.records.get(name)
        if held is None or str(statement.get("statementDate") or "") >= str(held[1].get("statementDate") or ""):
            self.records[name] = number, statement

    def of(self, kind: str) -> Iterator[tuple[str, int, Json, Json]]:
        for name, (number, told) in self.records.items():
            if text(told.get("recordType")) == kind:
                yield name, number, told, an_object(told.get("recordDetails"))

    def party(self, record: object) -> tuple[str | None, str | None]:
        """Identifier and kind of the party that a relationship names; nothing when it is unspecified."""
        name = text(record)
        if name is None or name not in self.records:
            return None, None
        told = self.records[name][1]
        details = an_object(told.get("recordDetails"))
        if text(told.get("recordType")) == "person":
            return self.person(name, details), "person"
        return organization_id(name, details), "organization"

    def person(self, name: str, details: Json) -> str | None:
        """Pseudonym of a person's first identifier, or of the record's id."""
        known = next((one for told in objects(details.get("identifiers")) if (one := text(told.get("id")))), None)
        return pseudonym(self.key, known or name)


def read(files: Sequence[Path], mapping: Mapping, key: bytes) -> Batch:
    """Rows of all statements in these files, JSON arrays or JSON lines. Broken files are faults beside them."""
    register, faults, marks = _Register(key), list[Fault](), []
    places: list[tuple[str, int]] = []
    for file in files:
        try:
            data, _, mark = contents(file)
            marks.append(mark)
            for row, statement in _statements(decoded(data, file), file):
                register.take(len(places), statement)
                places.append((str(file), row))
        except Fault as fault:
            faults.append(fault)
    makers = {"organization": _organizations, "person": _persons, "org_interest": _interests}
    rows = {table: list(make(register)) for table, make in makers.items()}
    return batch(rows, mapping, key, faults, places, sha256("".join(sorted(marks)).encode()).hexdigest())


def organization_id(name: str, details: Json) -> str:
    """What an entity goes by."""
    told = [(text(one.get("scheme")), text(one.get("id"))) for one in objects(details.get("identifiers"))]
    known = [(scheme, number) for scheme, number in told if number]
    for _, number in known:
        if number is not None and len(number) == 18:
            return number
    return f"{known[0][0] or 'X'}-{known[0][1]}" if known else f"X-{name}"


def _organizations(register: _Register) -> Iterator[Row]:
    for name, number, _, details in register.of("entity"):
        jurisdiction = an_object(details.get("jurisdiction"))
        row: Json = {
            "org_id": organization_id(name, details),
            "name": text(details.get("name")) or organization_id(name, details),
            "roles": [],
            "region_code": text(jurisdiction.get("code")) or "ZZ",
            "founded_on": text(details.get("foundingDate")),
            "dissolved_on": text(details.get("dissolutionDate")),
        }
        yield number, row


def _persons(register: _Register) -> Iterator[Row]:
    for name, number, _, details in register.of("person"):
        names = objects(details.get("names"))
        legal = next((one for one in names if one.get("type") == "legal"), names[0] if names else {})
        row = {
            "person_id": register.person(name, details),
            "name_hash": pseudonym(register.key, text(legal.get("fullName"))),
            "birth_date": text(details.get("birthDate")),
            "death_date": text(details.get("deathDate")),
        }
        yield number, row


def _interests(register: _Register) -> Iterator[Row]:
    for name, number, statement, details in register.of("relationship"):
        held, _ = register.party(details.get("subject"))
        holder, kind = register.party(details.get("interestedParty"))
        closed = text(statement.get("statementDate")) if statement.get("recordStatus") == "closed" else None
        for place, interest in enumerate(objects(details.get("interests")) or [{}], start=1):
            row = {
                "interest_id": name if place == 1 else f"{name}/{place}",
                "org_id": held,
                "holder_id": holder,
                "holder_kind": kind,
                "interest_type": text(interest.get("type")) or "unknownInterest",
                "share_pct": _share(an_object(interest.get("share"))),
                "directness": text(interest.get("directOrIndirect")) or "unknown",
                "valid_from": text(interest.get("startDate")),
                "valid_to": text(interest.get("endDate")) or closed,
            }
            yield number, row


def _share(told: Json) -> str | None:
    found = (told.get(name) for name in ("exact", "minimum", "exclusiveMinimum"))
    return next((number for one in found if (number := text(one)) is not None), None)


def _statements(data: bytes, file: Path) -> Iterator[tuple[int, Json]]:
    found: list[tuple[int, Any]]
    try:
        told = json.loads(data)
        found = list(enumerate(a_list(told) or [told], start=1))
    except ValueError:
        try:
            found = [(n, json.loads(line)) for n, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
        except ValueError:
            raise Fault("features.file.cut", place=str(file)) from None
    statements = [(row, one) for row, one in found if isinstance(one, dict) and one.get("recordType")]
    if not statements:
        raise Fault("features.bods.none", place=str(file))
    yield from statements
