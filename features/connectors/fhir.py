"""FHIR R4 bundles and NDJSON to the medical tables. Resources refer to each other by id, URL or business identifier.

Claim with its ExplanationOfBenefit → claim, claim_item; MedicationRequest → prescription; MedicationDispense →
dispensing; inpatient Encounter → admission; Patient and Practitioner → person; Organization → organization.
A claim without a benefit lacks the fund's payment, which its contract requires: it is refused, not read as zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from features.connectors.archive import contents, decoded
from features.connectors.fhir_claims import claim_items, claims
from features.connectors.fhir_medication import admissions, dispensings, prescriptions
from features.connectors.fhir_resources import Resources, coded, identifier
from features.connectors.standard import Batch, Json, Row, a_list, an_object, batch, objects, text
from features.mapping import Mapping
from gnomon.errors import Fault

SEX = {"male": "M", "female": "F", "other": "U", "unknown": "U"}
ROLES = {
    "prov": "hospital",
    "dept": "hospital",
    "pharm": "pharmacy",
    "pay": "gov_dept",
    "ins": "gov_dept",
    "govt": "gov_dept",
}


def read(files: Sequence[Path], mapping: Mapping, key: bytes) -> Batch:
    """Rows of all resources in these files. Broken files are faults beside them."""
    resources, faults, marks = Resources(key), list[Fault](), []
    places: list[tuple[str, int]] = []
    for file in files:
        try:
            data, _, mark = contents(file)
            marks.append(mark)
            for row, url, told in _resources(decoded(data, file), file):
                resources.take(len(places), url, told)
                places.append((str(file), row))
        except Fault as fault:
            faults.append(fault)
    makers = {
        "organization": _organizations,
        "person": _persons,
        "admission": admissions,
        "claim": claims,
        "claim_item": claim_items,
        "prescription": prescriptions,
        "dispensing": dispensings,
    }
    rows = {table: list(make(resources)) for table, make in makers.items()}
    return batch(rows, mapping, key, faults, places, sha256("".join(sorted(marks)).encode()).hexdigest())


def _organizations(resources: Resources) -> Iterator[Row]:
    for number, told in resources.of("Organization"):
        address = next(iter(objects(told.get("address"))), {})
        name = identifier(told)
        kinds = {ROLES.get(code, "hospital") for one in objects(told.get("type")) if (code := coded(one))}
        row = {
            "org_id": name,
            "name": text(told.get("name")) or name,
            "roles": sorted(kinds) or ["hospital"],
            "region_code": text(address.get("state")) or text(address.get("country")) or "ZZ",
            "parent_org_id": resources.named(told.get("partOf")),
        }
        yield number, row


def _persons(resources: Resources) -> Iterator[Row]:
    for kind in ("Patient", "Practitioner"):
        for number, told in resources.of(kind):
            row = {
                "person_id": resources.hashed(identifier(told)),
                "sex": SEX.get(text(told.get("gender")) or ""),
                "birth_date": text(told.get("birthDate")),
                "death_date": text(told.get("deceasedDateTime")),
            }
            yield number, row


def _resources(data: bytes, file: Path) -> Iterator[tuple[int, str, Json]]:
    try:
        told = json.loads(data)
    except ValueError:
        lines = [(n, line) for n, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
        try:
            found = [(n, json.loads(line)) for n, line in lines]
        except ValueError:
            raise Fault("features.file.cut", place=str(file)) from None
    else:
        found = [(1, one) for one in a_list(told)] or [(1, told)]
    any_told = False
    for row, one in found:
        for place, (url, resource) in enumerate(_entries(an_object(one)), start=0):
            if text(resource.get("resourceType")):
                any_told = True
                yield row + place, url, resource
    if not any_told:
        raise Fault("features.fhir.none", place=str(file))


def _entries(told: Json) -> Iterator[tuple[str, Json]]:
    if told.get("resourceType") != "Bundle":
        yield "", told
        return
    for entry in objects(told.get("entry")):
        yield text(entry.get("fullUrl")) or "", an_object(entry.get("resource"))
