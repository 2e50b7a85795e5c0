"""FHIR resources of a batch, found again by whatever another resource calls them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from features.connectors.standard import Json, an_object, objects, pseudonym, text


class Resources:
    """All resources by type; references are followed within the batch."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._by_type: dict[str, dict[str, tuple[int, Json]]] = {}
        self._by_name: dict[str, Json] = {}

    def take(self, number: int, url: str, told: Json) -> None:
        """Add one resource; a later one with the same type and id replaces it."""
        kind, name = str(told.get("resourceType")), text(told.get("id"))
        self._by_type.setdefault(kind, {})[name or url or str(number)] = number, told
        for called in (url, f"{kind}/{name}" if name else ""):
            if called:
                self._by_name[called] = told

    def of(self, kind: str) -> Iterator[tuple[int, Json]]:
        """Resources of one type with their number in the batch."""
        yield from self._by_type.get(kind, {}).values()

    def at(self, reference: Any) -> Json:
        """The resource that a Reference points to; empty when it is not in the batch."""
        told = text(an_object(reference).get("reference")) or ""
        tail = "/".join(told.split("/")[-2:])
        return self._by_name.get(told) or self._by_name.get(tail) or {}

    def named(self, reference: Any) -> str | None:
        """Business identifier of what a Reference points to, else its id."""
        own = text(an_object(an_object(reference).get("identifier")).get("value"))
        if own:
            return own
        found = self.at(reference)
        if found:
            return identifier(found)
        told = text(an_object(reference).get("reference"))
        return told.rsplit("/", 1)[-1].removeprefix("urn:uuid:") if told else None

    def hashed(self, told: str | None) -> str | None:
        """Pseudonym of a person's identifier."""
        return pseudonym(self._key, told)

    def person(self, reference: Any) -> str | None:
        """Pseudonym of the person that a Reference points to; a PractitionerRole stands for its practitioner."""
        found = self.at(reference)
        if found.get("resourceType") == "PractitionerRole":
            return self.person(found.get("practitioner"))
        return self.hashed(self.named(reference))

    def organization(self, reference: Any) -> str | None:
        """Identifier of the organisation behind a Reference: itself, or where its practitioner works."""
        found = self.at(reference)
        if found.get("resourceType") in ("PractitionerRole", "Location"):
            return self.named(found.get("organization") or found.get("managingOrganization"))
        told = text(an_object(reference).get("reference")) or ""
        if found.get("resourceType") in ("Practitioner", "Patient") or told.startswith(("Practitioner/", "Patient/")):
            return None
        return self.named(reference)

    def concept(self, owner: Json, name: str) -> str | None:
        """Code told in `<name>CodeableConcept`, or by the resource that `<name>Reference` points to."""
        return coded(owner.get(f"{name}CodeableConcept")) or coded(self.at(owner.get(f"{name}Reference")).get("code"))


def identifier(told: Json) -> str | None:
    """The first business identifier of a resource, else its id."""
    found = (text(one.get("value")) for one in objects(told.get("identifier")))
    return next((one for one in found if one), None) or text(told.get("id"))


def coded(concept: Any) -> str | None:
    """The first code of a CodeableConcept or a Coding, else its text."""
    told = an_object(concept)
    codes = (text(one.get("code")) for one in objects(told.get("coding")))
    return next((one for one in codes if one), None) or text(told.get("code")) or text(told.get("text"))


def money(told: Any) -> str | None:
    """Value of a Money or a Quantity."""
    return text(an_object(told).get("value"))
