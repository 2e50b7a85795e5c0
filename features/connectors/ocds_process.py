"""One OCDS contracting process: its parts, and the identifiers and words that several tables need of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from features.connectors.standard import Json, a_list, an_object, objects, text


@dataclass(frozen=True)
class Process:
    """One contracting process, its releases merged."""

    ocid: str
    told: Json
    number: int
    """Position among the processes of this batch."""
    releases: list[tuple[str, Json]] = field(default_factory=list)
    """Every release with its date, as published."""

    @property
    def tender(self) -> Json:
        """The tender section."""
        return an_object(self.told.get("tender"))

    @property
    def lots(self) -> list[Json]:
        """Lots that have an id."""
        return [lot for lot in objects(self.tender.get("lots")) if told_id(lot)]

    @property
    def buyer(self) -> str | None:
        """Who buys."""
        told = (self.told.get("buyer"), self.tender.get("procuringEntity"))
        return next((one for who in (told_id, party_id) for entry in told if (one := who(entry))), None)

    @property
    def awards(self) -> list[Json]:
        """Awards that have been decided."""
        return [one for one in objects(self.told.get("awards")) if one.get("status") != "pending"]

    def tender_id(self, told: Json) -> str | None:
        """The lot that a bid or award is about, or the process where it has no lots."""
        if not self.lots:
            return self.ocid
        related = [*a_list(told.get("relatedLots")), told.get("relatedLot"), told.get("lotID")]
        known = {told_id(lot) for lot in self.lots}
        lot = next((str(one) for one in related if one is not None and str(one) in known), None)
        lot = lot or (told_id(self.lots[0]) if len(self.lots) == 1 else None)
        return f"{self.ocid}/{lot}" if lot else None


def category_of(process: Process) -> str | None:
    """Main procurement category, told or read off the division of the first classified item."""
    told = text(process.tender.get("mainProcurementCategory"))
    if told is not None:
        return told
    items = objects(process.tender.get("items"))
    for award in process.awards:
        items += objects(award.get("items"))
    return next((category for item in items if (category := _category_of_item(item))), None)


def _category_of_item(item: Json) -> str | None:
    told = an_object(item.get("classification"))
    named = f"{told.get('scheme')} {told.get('description')}".upper()
    digits = (classification_id(item) or "")[:2]
    if not digits.isdigit():
        return None
    division = int(digits)
    if "UNSPSC" in named:
        return "works" if division == 72 else "services" if division >= 70 else "goods"
    if "CPV" in named or "ДК" in named:
        return "works" if division == 45 else "services" if division >= 50 else "goods"
    if "CPC" in named:
        return "works" if division in (53, 54) else "services" if division >= 50 else "goods"
    return None


def region_of(process: Process) -> str:
    """Region of the buyer; ZZ where it is not told."""
    for party in objects(process.told.get("parties")):
        if told_id(party) == process.buyer:
            address = an_object(party.get("address"))
            return next((r for f in ("region", "locality", "countryName") if (r := text(address.get(f)))), "ZZ")
    return "ZZ"


def classification_id(item: Json) -> str | None:
    """Code of an item's classification."""
    return text(an_object(item.get("classification")).get("id"))


def amount_of(told: Any) -> str | None:
    """Amount of an OCDS value."""
    return text(an_object(told).get("amount"))


def legal_name(told: Json) -> str | None:
    """Legal name of an organisation."""
    return text(an_object(told.get("identifier")).get("legalName"))


def told_id(told: Any) -> str | None:
    """The `id` of an entry, or that of its identifier."""
    entry = an_object(told)
    identifier = an_object(entry.get("identifier"))
    return text(entry.get("id")) or text(identifier.get("id"))


def party_id(told: Any) -> str | None:
    """Identifier of an organisation; `X-` and its name where it has none."""
    name = text(an_object(told).get("name")) or legal_name(an_object(told))
    return told_id(told) or (f"X-{name}" if name else None)
