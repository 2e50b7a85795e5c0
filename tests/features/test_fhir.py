"""FHIR R4 bundles become claims, charged lines, prescriptions, dispensings and stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import load

Json = dict[str, Any]


def coded(code: str) -> Json:
    return {"coding": [{"code": code}]}


def to(reference: str) -> Json:
    return {"reference": reference}


def yuan(value: float) -> Json:
    return {"value": value, "currency": "CNY"}


PATIENT = {"resourceType": "Patient", "id": "p", "identifier": [{"value": "460100197001011236"}], "gender": "female"}
DOCTOR = {"resourceType": "Practitioner", "id": "d", "identifier": [{"value": "D46"}]}
ROLE = {
    "resourceType": "PractitionerRole",
    "id": "r",
    "practitioner": to("Practitioner/d"),
    "organization": to("Organization/h"),
}
HOSPITAL = {
    "resourceType": "Organization",
    "id": "h",
    "identifier": [{"value": "H46"}],
    "name": "Hospital",
    "address": [{"state": "460100"}],
}
STAY = {
    "resourceType": "Encounter",
    "id": "e",
    "identifier": [{"value": "ZY1"}],
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": to("Patient/p"),
    "serviceProvider": to("Organization/h"),
    "period": {"start": "2024-03-01T08:00:00+08:00", "end": "2024-03-05T10:00:00+08:00"},
    "hospitalization": {"admitSource": coded("emd")},
    "diagnosis": [{"condition": to("Condition/c2"), "rank": 2}, {"condition": to("Condition/c1"), "rank": 1}],
    "participant": [{"type": [coded("ATND")], "individual": to("Practitioner/d")}],
}
VISIT = {**STAY, "id": "v", "identifier": [{"value": "MZ1"}], "class": {"code": "AMB"}}
CONDITIONS = [
    {"resourceType": "Condition", "id": "c1", "code": coded("J18.900")},
    {"resourceType": "Condition", "id": "c2", "code": coded("I10.x00")},
]
PROCEDURE = {"resourceType": "Procedure", "id": "o", "encounter": to("Encounter/e"), "code": coded("79.3500")}
CLAIM = {
    "resourceType": "Claim",
    "id": "k",
    "identifier": [{"value": "S1"}],
    "status": "active",
    "use": "claim",
    "type": coded("institutional"),
    "patient": to("Patient/p"),
    "provider": to("Organization/h"),
    "created": "2024-03-05T11:00:00+08:00",
    "billablePeriod": {"start": "2024-03-01T08:00:00+08:00"},
    "diagnosis": [
        {"sequence": 2, "diagnosisCodeableConcept": coded("I10.x00")},
        {"sequence": 1, "diagnosisReference": to("Condition/c1"), "packageCode": coded("ES31")},
    ],
    "careTeam": [{"sequence": 1, "provider": to("PractitionerRole/r")}],
    "item": [
        {
            "sequence": 1,
            "productOrService": coded("XA10"),
            "quantity": {"value": 3},
            "unitPrice": yuan(2),
            "net": yuan(6),
            "servicedDate": "2024-03-02",
            "careTeamSequence": [1],
            "encounter": [to("Encounter/e")],
        },
        {"sequence": 2, "productOrService": coded("BED"), "net": yuan(94)},
    ],
}
BENEFIT = {
    "resourceType": "ExplanationOfBenefit",
    "id": "b",
    "claim": to("Claim/k"),
    "created": "2024-03-06T00:00:00+08:00",
    "total": [
        {"category": coded("submitted"), "amount": yuan(100)},
        {"category": coded("benefit"), "amount": yuan(70)},
        {"category": coded("copay"), "amount": yuan(20)},
        {"category": coded("deductible"), "amount": yuan(10)},
    ],
    "item": [
        {"sequence": 1, "itemSequence": [1], "adjudication": [{"category": coded("benefit"), "amount": yuan(4)}]},
        {"sequence": 2, "itemSequence": [2], "adjudication": [{"category": coded("benefit"), "amount": yuan(66)}]},
    ],
}
ORDER = {
    "resourceType": "MedicationRequest",
    "id": "m",
    "status": "completed",
    "groupIdentifier": {"value": "RX1"},
    "medicationCodeableConcept": coded("XA10"),
    "subject": to("Patient/p"),
    "encounter": to("Encounter/v"),
    "requester": to("Practitioner/d"),
    "authoredOn": "2024-03-01T09:00:00+08:00",
    "courseOfTherapyType": coded("continuous"),
    "reasonCode": [coded("E11.900")],
    "dosageInstruction": [
        {
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 0.5}}],
        }
    ],
    "dispenseRequest": {"quantity": {"value": 14}, "expectedSupplyDuration": {"value": 14}},
}
SECOND = {**ORDER, "id": "m2", "requester": to("PractitionerRole/r"), "encounter": None}
DRAFT = {**ORDER, "id": "m3", "status": "draft"}
MEDICATION = {"resourceType": "Medication", "id": "x", "code": coded("XA10")}
HANDED_OVER = {
    "resourceType": "MedicationDispense",
    "id": "g",
    "identifier": [{"value": "FY1"}],
    "status": "completed",
    "medicationReference": to("Medication/x"),
    "subject": to("Patient/p"),
    "performer": [{"actor": to("Practitioner/d")}, {"actor": to("Organization/h")}],
    "authorizingPrescription": [to("MedicationRequest/m")],
    "quantity": {"value": 14},
    "daysSupply": {"value": 14},
    "whenHandedOver": "2024-03-01T10:00:00+08:00",
    "receiver": [to("Patient/p")],
}
ALL = [PATIENT, DOCTOR, ROLE, HOSPITAL, STAY, VISIT, *CONDITIONS, PROCEDURE, CLAIM, BENEFIT, ORDER, SECOND, DRAFT]
ALL += [MEDICATION, HANDED_OVER]


def put(folder: Path, told: Any, name: str = "b.json") -> dict[str, Ingested]:
    path = folder / name
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    done = ingest([path], load("fhir"), Lake(str(folder / "lake")), folder / "refused", b"k")
    return {one.table: one for one in done}


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    stored = pq.ParquetDataset(Lake(str(folder / "lake")).files(table)).read()
    told: list[dict[str, Any]] = stored.sort_by([(name, "ascending") for name in stored.column_names[:2]]).to_pylist()
    return told


def bundle(resources: list[Json]) -> Json:
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@pytest.mark.parametrize("shape", ["bundle", "ndjson", "backwards"])
def test_a_bundle_fills_the_medical_tables(tmp_path: Path, shape: str) -> None:
    told: Any = bundle(ALL[::-1] if shape == "backwards" else ALL)
    name = "b.ndjson" if shape == "ndjson" else "b.json"
    done = put(tmp_path, "\n".join(map(json.dumps, ALL)) if shape == "ndjson" else told, name)
    assert {name: (one.kept, one.refused) for name, one in done.items()} == {
        "organization": (1, 0),
        "person": (2, 0),
        "admission": (1, 0),
        "claim": (1, 0),
        "claim_item": (2, 0),
        "prescription": (2, 0),
        "dispensing": (1, 0),
    }
    people = {row["sex"]: row["person_id"] for row in rows(tmp_path, "person")}
    patient, doctor = people["F"], people[None]
    (claim,) = rows(tmp_path, "claim")
    assert (claim["claim_id"], claim["person_id"], claim["institution_id"]) == ("S1", patient, "H46")
    assert (claim["claim_type"], claim["admission_id"], claim["drg_code"]) == ("inpatient", "ZY1", "ES31")
    assert [float(claim[n]) for n in ("total_amount", "fund_amount", "self_amount")] == [100, 70, 30]
    assert (claim["dx_primary"], claim["dx_codes"]) == ("J18.900", ["J18.900", "I10.x00"])
    first, second = rows(tmp_path, "claim_item")
    assert (first["line_id"], first["prescriber_id"], float(first["fund_amount"])) == ("S1/1", doctor, 4)
    assert (second["quantity"], float(second["unit_price"]), second["prescriber_id"]) == (1, 94, None)
    one, two = rows(tmp_path, "prescription")
    assert (one["rx_id"], one["rx_line"], two["rx_line"], two["institution_id"]) == ("RX1", 1, 2, "H46")
    assert (one["daily_dose"], one["rx_type"], one["prescriber_id"]) == (1, "chronic_long", doctor)
    (handed,) = rows(tmp_path, "dispensing")
    assert (handed["rx_id"], handed["item_code"], handed["institution_id"]) == ("RX1", "XA10", "H46")
    assert (handed["picker_id"], handed["status"]) == (patient, "completed")
    (stay,) = rows(tmp_path, "admission")
    assert (stay["admission_id"], stay["admit_route"], stay["dx_primary"]) == ("ZY1", "emergency", "J18.900")
    assert (stay["attending_id"], stay["procedure_codes"]) == (doctor, ["79.3500"])
    assert "460100197001011236" not in str(rows(tmp_path, "claim"))


def test_a_claim_without_its_benefit_is_refused_and_not_read_as_unpaid(tmp_path: Path) -> None:
    done = put(tmp_path, bundle([PATIENT, HOSPITAL, CLAIM]))
    assert (done["claim"].kept, done["claim"].refused) == (0, 1)
    assert {one.column for one in done["claim"].refusals} == {"fund_amount", "total_amount"}


def test_a_file_without_resources_says_so(tmp_path: Path) -> None:
    (told,) = put(tmp_path, {"hello": 1}).values()
    assert told.fault is not None
    assert "FHIR" in told.fault.told("en")
