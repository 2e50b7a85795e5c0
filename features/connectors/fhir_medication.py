"""FHIR MedicationRequest, MedicationDispense and inpatient Encounter to prescription, dispensing and admission rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from features.connectors.fhir_resources import Resources, coded, identifier, money
from features.connectors.standard import Json, Row, an_object, objects, text

NO_ORDER = {"cancelled", "entered-in-error", "draft"}
DISPENSED = {"completed": "completed", "cancelled": "returned", "stopped": "returned"}
INPATIENT = {"IMP", "ACUTE", "NONAC"}
ROUTES = {"emd": "emergency", "outp": "outpatient", "hosp-trans": "transfer"}
PER_DAY = {"s": 86400, "min": 1440, "h": 24, "d": 1}


def prescriptions(resources: Resources) -> Iterator[Row]:
    """Prescribed lines; requests of one group are the lines of one prescription."""
    lines: Counter[str | None] = Counter()
    for number, told in resources.of("MedicationRequest"):
        if told.get("status") in NO_ORDER:
            continue
        name = prescription_id(told)
        lines[name] += 1
        supply = an_object(told.get("dispenseRequest"))
        visit = resources.at(told.get("encounter"))
        where = resources.named(visit.get("serviceProvider")) or resources.organization(told.get("requester"))
        row = {
            "rx_id": name,
            "rx_line": str(lines[name]),
            "person_id": resources.person(told.get("subject")),
            "institution_id": where or resources.organization(told.get("performer")),
            "prescriber_id": resources.person(told.get("requester")),
            "item_code": resources.concept(told, "medication"),
            "prescribed_at": text(told.get("authoredOn")),
            "quantity": money(supply.get("quantity")),
            "days_supply": money(supply.get("expectedSupplyDuration")),
            "daily_dose": _daily_dose(told),
            "rx_type": _kind(told),
            "dx_codes": [code for one in objects(told.get("reasonCode")) if (code := coded(one))] or None,
        }
        yield number, row


def dispensings(resources: Resources) -> Iterator[Row]:
    """Medicines handed over, or handed over and taken back."""
    for number, told in resources.of("MedicationDispense"):
        status = DISPENSED.get(text(told.get("status")) or "")
        if status is None:
            continue
        actors = [one.get("actor") for one in objects(told.get("performer"))]
        places = (resources.organization(one) for one in [*actors, told.get("location")] if one)
        orders = objects(told.get("authorizingPrescription"))
        order = resources.at(orders[0]) if orders else {}
        row = {
            "dispense_id": identifier(told),
            "rx_id": prescription_id(order) if order else resources.named(orders[0]) if orders else None,
            "person_id": resources.person(told.get("subject")),
            "institution_id": next((one for one in places if one), None),
            "item_code": resources.concept(told, "medication"),
            "quantity": money(told.get("quantity")),
            "days_supply": money(told.get("daysSupply")),
            "dispensed_at": text(told.get("whenHandedOver")) or text(told.get("whenPrepared")),
            "picker_id": next((resources.person(one) for one in objects(told.get("receiver"))), None),
            "status": status,
        }
        yield number, row


def admissions(resources: Resources) -> Iterator[Row]:
    """Stays in hospital."""
    for number, told in resources.of("Encounter"):
        if coded(told.get("class")) not in INPATIENT or told.get("status") in (
            "cancelled",
            "entered-in-error",
            "planned",
        ):
            continue
        period, stay = an_object(told.get("period")), an_object(told.get("hospitalization"))
        ranked = sorted(objects(told.get("diagnosis")), key=lambda one: str(one.get("rank", "9")))
        conditions = [coded(resources.at(one.get("condition")).get("code")) for one in ranked]
        reasons = [coded(one) for one in objects(told.get("reasonCode"))]
        codes = [code for code in (*conditions, *reasons) if code]
        source = coded(stay.get("admitSource"))
        row = {
            "admission_id": identifier(told),
            "person_id": resources.person(told.get("subject")),
            "institution_id": resources.organization(told.get("serviceProvider")),
            "admit_at": text(period.get("start")),
            "discharge_at": text(period.get("end")),
            "admit_route": ROUTES.get(source, "other") if source else None,
            "dept_code": coded(told.get("serviceType")),
            "attending_id": _attending(resources, told),
            "dx_primary": codes[0] if codes else None,
            "dx_codes": codes or None,
            "procedure_codes": _procedures(resources, told) or None,
        }
        yield number, row


def prescription_id(told: Json) -> str | None:
    """Number of the prescription that a request is a line of."""
    return money(told.get("groupIdentifier")) or identifier(told)


def _attending(resources: Resources, told: Json) -> str | None:
    for one in objects(told.get("participant")):
        if "ATND" in {coded(kind) for kind in objects(one.get("type"))}:
            return resources.person(one.get("individual"))
    return None


def _procedures(resources: Resources, encounter: Json) -> list[str]:
    mine = (told for _, told in resources.of("Procedure") if resources.at(told.get("encounter")) is encounter)
    return [code for told in mine if (code := coded(told.get("code")))]


def _kind(told: Json) -> str:
    if told.get("priority") in ("urgent", "asap", "stat"):
        return "emergency"
    return "chronic_long" if coded(told.get("courseOfTherapyType")) == "continuous" else "normal"


def _daily_dose(told: Json) -> str | None:
    """Dose times how often a day, where both are told as single numbers."""
    dosage = next(iter(objects(told.get("dosageInstruction"))), {})
    rate = next(iter(objects(dosage.get("doseAndRate"))), {})
    repeat = an_object(an_object(dosage.get("timing")).get("repeat"))
    unit = text(repeat.get("periodUnit"))
    try:
        dose = Decimal(money(rate.get("doseQuantity")) or "")
        often = Decimal(text(repeat.get("frequency")) or "1") / Decimal(text(repeat.get("period")) or "")
    except (InvalidOperation, ZeroDivisionError):
        return None
    return str((dose * often * PER_DAY[unit]).normalize()) if unit in PER_DAY else None
