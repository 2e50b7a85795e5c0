"""FHIR Claim and ExplanationOfBenefit to claim and claim_item rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from features.connectors.fhir_resources import Resources, coded, identifier, money
from features.connectors.standard import Json, Row, an_object, objects, text

TYPES = {
    "inpatient": "inpatient",
    "institutional": "inpatient",
    "outpatient": "outpatient",
    "professional": "outpatient",
    "oral": "outpatient",
    "vision": "outpatient",
    "pharmacy": "pharmacy",
    "emergency": "emergency",
}
STATUS = {"active": "settled", "cancelled": "reversed", "entered-in-error": "reversed"}
OWN = {"copay", "deductible", "coinsurance", "patientpay", "paidbypatient"}


def claims(resources: Resources) -> Iterator[Row]:
    """Claims, each with the benefit that was decided on it."""
    for number, told, benefit in _decided(resources):
        period = an_object(told.get("billablePeriod"))
        diagnoses = _diagnoses(resources, told)
        kinds = [coded(told.get("subType")), coded(told.get("type"))]
        totals = {coded(one.get("category")): money(one.get("amount")) for one in objects(benefit.get("total"))}
        own = [Decimal(one) for name, one in totals.items() if name in OWN and one is not None and _is_number(one)]
        encounters = (
            resources.named(one) for item in objects(told.get("item")) for one in objects(item.get("encounter"))
        )
        groups = (coded(one.get("packageCode")) for one in objects(told.get("diagnosis")))
        row = {
            "claim_id": identifier(told),
            "person_id": resources.person(told.get("patient")),
            "institution_id": resources.organization(told.get("provider")),
            "claim_type": next((TYPES[kind] for kind in kinds if kind in TYPES), kinds[1]),
            "admission_id": next((one for one in encounters if one), None),
            "service_from": text(period.get("start")) or text(told.get("created")),
            "settled_at": text(benefit.get("created")) or text(told.get("created")),
            "dx_primary": diagnoses[0] if diagnoses else None,
            "dx_codes": diagnoses or None,
            "total_amount": totals.get("submitted") or money(told.get("total")),
            "fund_amount": totals.get("benefit"),
            "self_amount": str(sum(own)) if own else None,
            "drg_code": next((one for one in groups if one), None),
            "status": STATUS.get(text(told.get("status")) or "", text(told.get("status"))),
        }
        yield number, row


def claim_items(resources: Resources) -> Iterator[Row]:
    """Charged lines. A line without quantity and unit price is one unit at its net amount."""
    for number, told, benefit in _decided(resources):
        decided = {_sequence(one): one for one in objects(benefit.get("item"))}
        start = text(an_object(told.get("billablePeriod")).get("start"))
        team = {str(one.get("sequence")): one.get("provider") for one in objects(told.get("careTeam"))}
        for item in objects(told.get("item")):
            name = str(item.get("sequence"))
            quantity, price, net = money(item.get("quantity")), money(item.get("unitPrice")), money(item.get("net"))
            if quantity is None and price is None:
                quantity, price = "1", net
            who = next((team[str(one)] for one in item.get("careTeamSequence") or [] if str(one) in team), None)
            period = an_object(item.get("servicedPeriod"))
            row = {
                "line_id": f"{identifier(told)}/{name}",
                "claim_id": identifier(told),
                "item_code": coded(item.get("productOrService")),
                "quantity": quantity,
                "unit_price": price,
                "amount": net or _product(quantity, price),
                "fund_amount": _benefit(decided.get(name, {})),
                "occurred_at": text(item.get("servicedDate")) or text(period.get("start")) or start,
                "prescriber_id": resources.person(who) if who else None,
            }
            yield number, row


def _decided(resources: Resources) -> Iterator[tuple[int, Json, Json]]:
    benefits: dict[str | None, Json] = {}
    for _, one in resources.of("ExplanationOfBenefit"):
        benefits[resources.named(one.get("claim"))] = one
    for number, told in resources.of("Claim"):
        if told.get("use", "claim") == "claim":
            yield number, told, benefits.get(identifier(told), {})


def _diagnoses(resources: Resources, told: Json) -> list[str]:
    ordered = sorted(objects(told.get("diagnosis")), key=lambda one: _place(one.get("sequence")))
    return [code for one in ordered if (code := resources.concept(one, "diagnosis"))]


def _place(told: object) -> int:
    return told if isinstance(told, int) else 1 << 30


def _sequence(item: Json) -> str:
    """The claim's line that a line of the benefit decides on."""
    several = item.get("itemSequence")
    return str(several[0] if isinstance(several, list) and several else item.get("sequence"))


def _benefit(item: Json) -> str | None:
    told = (one for one in objects(item.get("adjudication")) if coded(one.get("category")) == "benefit")
    return next((money(one.get("amount")) for one in told), None)


def _product(quantity: str | None, price: str | None) -> str | None:
    if quantity is None or price is None or not (_is_number(quantity) and _is_number(price)):
        return None
    return str(Decimal(quantity) * Decimal(price))


def _is_number(told: str) -> bool:
    try:
        return Decimal(told).is_finite()
    except InvalidOperation:
        return False
