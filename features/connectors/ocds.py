"""OCDS contracting processes to the rows of eight tables. Only names are changed; nothing is computed.

A process without lots is one tender with the OCID as its id; a lot is `<OCID>/<lot id>`. Where the publisher leaves out
the main procurement category it is told by the CPV, CPC or UNSPSC division of the first item; an award without a date
counts from the signing of its contract. An organisation without an identifier goes by `X-` and its name; one without a
region stands under ZZ, the ISO 3166 code for an unknown place. A row that lacks what its contract requires is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.connectors.ocds_contracts import amendments, contracts, payments, planned, projects
from features.connectors.ocds_merge import Processes, gather
from features.connectors.ocds_process import (
    Process,
    amount_of,
    category_of,
    classification_id,
    legal_name,
    party_id,
    region_of,
    told_id,
)
from features.connectors.standard import Batch, Json, a_list, an_object, batch, objects, text
from features.mapping import Mapping

__all__ = ["read"]

ROLES = {"buyer": "buyer", "procuringEntity": "buyer", "supplier": "supplier", "tenderer": "supplier"}
METHODS = {"open": "open", "selective": "invited", "direct": "direct", "limited": "negotiation"}
TENDER_STATUS = {
    "unsuccessful": "failed",
    "withdrawn": "cancelled",
    "planning": "active",
    "planned": "active",
}
BID_STATUS = {"submitted": "valid", "active": "valid", "unsuccessful": "valid"}
SINGLE = ("single", "sole", "direct", "directa", "única", "unico", "单一")


def read(files: Sequence[Path], mapping: Mapping, key: bytes) -> Batch:
    """Rows of all processes in these files. Broken files and releases without an OCID are faults beside them.

    The mapping may say how a column's words are to be read: its rules see the columns that are made here.
    """
    found = gather(files)
    releases = found.releases
    processes = [Process(o, told, n, releases[o]) for n, (o, told) in enumerate(found.merged().items())]
    makers = {"organization": _organizations, "tender": _tenders, "bid": _bids, "award": _awards}
    later = {"project": projects, "contract": contracts, "contract_amendment": amendments, "payment": payments}
    rows = {table: list(make(processes)) for table, make in {**makers, **later}.items()} if processes else {}
    return batch(rows, mapping, key, found.faults, _places(found), found.mark, always=makers)


def _places(found: Processes) -> list[tuple[str, int]]:
    return [found.places[ocid] for ocid in found.releases]


def _organizations(processes: Sequence[Process]) -> Iterator[tuple[int, Json]]:
    parties: dict[str, tuple[int, Json]] = {}
    for process in processes:
        for told, roles in _parties(process):
            org_id = party_id(told)
            if org_id is None:
                continue
            _, known = parties.get(org_id, (0, {}))
            address = an_object(told.get("address"))
            region = next((r for f in ("region", "locality", "countryName") if (r := text(address.get(f)))), None)
            parties[org_id] = (
                process.number,
                {
                    "org_id": org_id,
                    "name": text(told.get("name")) or known.get("name") or legal_name(told) or org_id,
                    "roles": sorted({*known.get("roles", []), *roles}),
                    "region_code": region or known.get("region_code") or "ZZ",
                },
            )
    yield from parties.values()


def _parties(process: Process) -> Iterator[tuple[Json, list[str]]]:
    """Every mention of an organisation with the roles it has there; the fullest entry, `parties`, comes last."""
    yield an_object(process.told.get("buyer")), ["buyer"]
    yield an_object(process.tender.get("procuringEntity")), ["buyer"]
    told = [*objects(process.tender.get("tenderers"))]
    for bid in _bid_details(process):
        told += objects(bid.get("tenderers"))
    for award in process.awards:
        told += objects(award.get("suppliers"))
    for one in told:
        yield one, ["supplier"]
    for one in objects(process.told.get("parties")):
        roles = sorted({ROLES[str(r)] for r in a_list(one.get("roles")) if str(r) in ROLES})
        if roles:
            yield one, roles


def _tenders(processes: Sequence[Process]) -> Iterator[tuple[int, Json]]:
    for process in processes:
        tender = process.tender
        if not tender:
            continue
        procuring = told_id(tender.get("procuringEntity"))
        shared = {
            "buyer_id": process.buyer,
            "agency_id": procuring if procuring != process.buyer else None,
            "category": category_of(process),
            "class_code": next((c for c in map(classification_id, objects(tender.get("items"))) if c), None),
            "method": _method(tender),
            "published_at": text(tender.get("datePublished")) or _period(tender, "tenderPeriod", "startDate"),
            "deadline_at": _period(tender, "tenderPeriod", "endDate"),
            "opened_at": text(an_object(tender.get("bidOpening")).get("date")),
            "region_code": region_of(process),
        }
        for lot in process.lots or [tender]:
            whole = lot is tender
            title = text(lot.get("title")) or text(tender.get("title")) or text(tender.get("description"))
            status = text(lot.get("status")) or text(tender.get("status"))
            yield (
                process.number,
                {
                    **shared,
                    "tender_id": process.ocid if whole else f"{process.ocid}/{told_id(lot)}",
                    "project_id": planned(process) or (None if whole else process.ocid),
                    "title": title or process.ocid,
                    "estimated_value": amount_of(lot.get("value")),
                    "status": TENDER_STATUS.get(status, status) if status else _told_by_awards(process),
                },
            )


def _bids(processes: Sequence[Process]) -> Iterator[tuple[int, Json]]:
    for process in processes:
        details = _bid_details(process)
        for place, bid in enumerate(details, start=1):
            status = text(bid.get("status"))
            if status == "invited":
                continue  # An invitation is no bid.
            bidders = [one for told in objects(bid.get("tenderers")) if (one := party_id(told))]
            yield (
                process.number,
                {
                    "bid_id": f"{process.ocid}/{told_id(bid) or place}",
                    "tender_id": process.tender_id(bid),
                    "bidder_id": bidders[0] if bidders else None,
                    "consortium_id": "+".join(sorted(bidders)) if len(bidders) > 1 else None,
                    "amount": amount_of(bid.get("value")),
                    "submitted_at": text(bid.get("date")),
                    "status": BID_STATUS.get(status or "", status),
                    "is_winner": _won(process, bid, bidders),
                },
            )


def _won(process: Process, bid: Json, bidders: list[str]) -> bool:
    for award in process.awards:
        if award.get("status") not in ("active", None) or process.tender_id(award) != process.tender_id(bid):
            continue
        related = [str(one) for one in [award.get("relatedBid"), *a_list(award.get("relatedBids"))] if one is not None]
        if related:
            if told_id(bid) in related:
                return True
        elif {party_id(one) for one in objects(award.get("suppliers"))} & set(bidders):
            return True
    return False


def _awards(processes: Sequence[Process]) -> Iterator[tuple[int, Json]]:
    for process in processes:
        for place, award in enumerate(process.awards, start=1):
            related = text(award.get("relatedBid")) or next(iter(a_list(award.get("relatedBids"))), None)
            suppliers = [one for told in objects(award.get("suppliers")) if (one := party_id(told))]
            yield (
                process.number,
                {
                    "award_id": f"{process.ocid}/{told_id(award) or place}",
                    "tender_id": process.tender_id(award) if process.tender else None,
                    "bid_id": f"{process.ocid}/{related}" if related is not None else None,
                    "buyer_id": process.buyer,
                    "supplier_id": suppliers[0] if suppliers else None,
                    "amount": amount_of(award.get("value")),
                    "awarded_at": text(award.get("date")) or _signed(process, award),
                    "status": text(award.get("status")) or "active",
                },
            )


def _signed(process: Process, award: Json) -> str | None:
    for told in objects(process.told.get("contracts")):
        if text(told.get("awardID")) == told_id(award) and text(told.get("dateSigned")):
            return text(told.get("dateSigned"))
    return None


def _bid_details(process: Process) -> list[Json]:
    bids = process.told.get("bids")
    return objects(bids.get("details")) if isinstance(bids, dict) else objects(bids)


def _method(tender: Json) -> str | None:
    told = text(tender.get("procurementMethod"))
    details = str(tender.get("procurementMethodDetails") or "").lower()
    if told == "limited" and any(word in details for word in SINGLE):
        return "single_source"
    return METHODS.get(told, told) if told else None


def _told_by_awards(process: Process) -> str:
    return "complete" if process.awards else "active"


def _period(tender: Json, name: str, end: str) -> str | None:
    return text(an_object(tender.get(name)).get(end))
