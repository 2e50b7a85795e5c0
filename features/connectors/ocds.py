"""OCDS contracting processes to organization, tender, bid and award rows. Only names are changed; nothing is computed.

A process without lots is one tender with the OCID as its id; a lot is `<OCID>/<lot id>`. Where the publisher leaves out
the main procurement category it is told by the CPV, CPC or UNSPSC division of the first item; an award without a date
counts from the signing of its contract. An organisation without an identifier goes by `X-` and its name; one without a
region stands under ZZ, the ISO 3166 code for an unknown place. A row that lacks what its contract requires is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.connectors.ocds_merge import Json, Processes, gather
from features.connectors.raw import Raw, from_records
from features.contracts import contract_of
from features.mapping import FileOptions, Mapping, Rule
from features.transform import Offered, column, with_column
from gnomon.errors import Fault

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


@dataclass(frozen=True)
class Batch:
    """What a set of OCDS files offers."""

    offered: list[Offered]
    faults: list[Fault]
    files: list[tuple[str, int]]
    """File and position of every process; `Raw.numbers` counts these from 0."""
    file_hash: str
    options: FileOptions


@dataclass(frozen=True)
class _Process:
    ocid: str
    told: Json
    number: int

    @property
    def tender(self) -> Json:
        return _object(self.told.get("tender"))

    @property
    def lots(self) -> list[Json]:
        return [lot for lot in _objects(self.tender.get("lots")) if _id(lot)]

    @property
    def buyer(self) -> str | None:
        told = (self.told.get("buyer"), self.tender.get("procuringEntity"))
        return next((one for who in (_id, _org_id) for entry in told if (one := who(entry))), None)

    @property
    def awards(self) -> list[Json]:
        return [one for one in _objects(self.told.get("awards")) if one.get("status") != "pending"]

    def tender_id(self, told: Json) -> str | None:
        """The lot that a bid or award is about, or the process where it has no lots."""
        if not self.lots:
            return self.ocid
        related = [*_list(told.get("relatedLots")), told.get("relatedLot"), told.get("lotID")]
        known = {_id(lot) for lot in self.lots}
        lot = next((str(one) for one in related if one is not None and str(one) in known), None)
        lot = lot or (_id(self.lots[0]) if len(self.lots) == 1 else None)
        return f"{self.ocid}/{lot}" if lot else None


def read(files: Sequence[Path], mapping: Mapping, key: bytes) -> Batch:
    """Rows of all processes in these files. Broken files and releases without an OCID are faults beside them.

    The mapping may say how a column's words are to be read: its rules see the columns that are made here.
    """
    found = gather(files)
    processes = [_Process(ocid, told, n) for n, (ocid, told) in enumerate(found.merged().items())]
    makers = {"organization": _organizations, "tender": _tenders, "bid": _bids, "award": _awards}
    offered = [_offer(table, list(make(processes))) for table, make in makers.items()] if processes else []
    offered = [_translated(one, mapping, key) for one in offered]
    return Batch(offered, found.faults, _places(found), found.mark, mapping.file)


def located(refused: pa.Table, places: Sequence[tuple[str, int]]) -> pa.Table:
    """Refusals with the file and position of their process."""
    at = refused["row"].to_pylist()
    if not at:
        return refused
    for name, values in zip(("file", "row"), zip(*(places[one] for one in at), strict=True), strict=True):
        field = refused.schema.field(name)
        refused = refused.set_column(refused.schema.get_field_index(name), field, pa.array(values, field.type))
    return refused


def _places(found: Processes) -> list[tuple[str, int]]:
    return [found.places[ocid] for ocid in found.releases]


def _offer(table: str, rows: list[tuple[int, Json]]) -> Offered:
    names = [c.name for c in contract_of(table).columns]
    used = [name for name in names if any(name in row for _, row in rows)] or names[:1]
    texts = from_records([row for _, row in rows], used)
    texts = pa.table(
        [one.cast(pa.string()) if pa.types.is_null(one.type) else one for one in texts.columns],
        names=used,
    )
    numbers = np.array([number for number, _ in rows], np.int64)
    rules = {name: Rule(from_=name) for name in used}
    required = {c.name: Rule(from_=c.name) for c in contract_of(table).columns if c.required and c.name not in used}
    for name in required:
        texts = texts.append_column(name, pa.chunked_array([pa.nulls(len(rows), pa.string())]))
    return Offered(table, Raw(texts, numbers), {**rules, **required})


def _translated(offered: Offered, mapping: Mapping, key: bytes) -> Offered:
    rows, rules = offered.raw.rows, dict(offered.rules)
    for name, rule in ((n, r) for one in mapping.tables if one.table == offered.table for n, r in one.columns.items()):
        if all(source in offered.raw.rows.column_names for source in rule.sources):
            rows = with_column(rows, name, column(rule, offered.raw.rows, key))
            rules[name] = rule
    return Offered(offered.table, replace(offered.raw, rows=rows), rules)


def _organizations(processes: Sequence[_Process]) -> Iterator[tuple[int, Json]]:
    parties: dict[str, tuple[int, Json]] = {}
    for process in processes:
        for told, roles in _parties(process):
            org_id = _org_id(told)
            if org_id is None:
                continue
            _, known = parties.get(org_id, (0, {}))
            address = _object(told.get("address"))
            region = next((r for f in ("region", "locality", "countryName") if (r := _text(address.get(f)))), None)
            parties[org_id] = (
                process.number,
                {
                    "org_id": org_id,
                    "name": _text(told.get("name")) or known.get("name") or _legal_name(told) or org_id,
                    "roles": sorted({*known.get("roles", []), *roles}),
                    "region_code": region or known.get("region_code") or "ZZ",
                },
            )
    yield from parties.values()


def _parties(process: _Process) -> Iterator[tuple[Json, list[str]]]:
    """Every mention of an organisation with the roles it has there; the fullest entry, `parties`, comes last."""
    yield _object(process.told.get("buyer")), ["buyer"]
    yield _object(process.tender.get("procuringEntity")), ["buyer"]
    told = [*_objects(process.tender.get("tenderers"))]
    for bid in _bid_details(process):
        told += _objects(bid.get("tenderers"))
    for award in process.awards:
        told += _objects(award.get("suppliers"))
    for one in told:
        yield one, ["supplier"]
    for one in _objects(process.told.get("parties")):
        roles = sorted({ROLES[str(r)] for r in _list(one.get("roles")) if str(r) in ROLES})
        if roles:
            yield one, roles


def _tenders(processes: Sequence[_Process]) -> Iterator[tuple[int, Json]]:
    for process in processes:
        tender = process.tender
        if not tender:
            continue
        procuring = _id(tender.get("procuringEntity"))
        shared = {
            "buyer_id": process.buyer,
            "agency_id": procuring if procuring != process.buyer else None,
            "category": _category(process),
            "class_code": next((c for c in map(_classification, _objects(tender.get("items"))) if c), None),
            "method": _method(tender),
            "published_at": _text(tender.get("datePublished")) or _period(tender, "tenderPeriod", "startDate"),
            "deadline_at": _period(tender, "tenderPeriod", "endDate"),
            "opened_at": _text(_object(tender.get("bidOpening")).get("date")),
            "region_code": _region(process),
        }
        for lot in process.lots or [tender]:
            whole = lot is tender
            title = _text(lot.get("title")) or _text(tender.get("title")) or _text(tender.get("description"))
            status = _text(lot.get("status")) or _text(tender.get("status"))
            yield (
                process.number,
                {
                    **shared,
                    "tender_id": process.ocid if whole else f"{process.ocid}/{_id(lot)}",
                    "project_id": None if whole else process.ocid,
                    "title": title or process.ocid,
                    "estimated_value": _amount(lot.get("value")),
                    "status": TENDER_STATUS.get(status, status) if status else _told_by_awards(process),
                },
            )


def _bids(processes: Sequence[_Process]) -> Iterator[tuple[int, Json]]:
    for process in processes:
        details = _bid_details(process)
        for place, bid in enumerate(details, start=1):
            status = _text(bid.get("status"))
            if status == "invited":
                continue  # An invitation is no bid.
            bidders = [one for told in _objects(bid.get("tenderers")) if (one := _org_id(told))]
            yield (
                process.number,
                {
                    "bid_id": f"{process.ocid}/{_id(bid) or place}",
                    "tender_id": process.tender_id(bid),
                    "bidder_id": bidders[0] if bidders else None,
                    "consortium_id": "+".join(sorted(bidders)) if len(bidders) > 1 else None,
                    "amount": _amount(bid.get("value")),
                    "submitted_at": _text(bid.get("date")),
                    "status": BID_STATUS.get(status or "", status),
                    "is_winner": _won(process, bid, bidders),
                },
            )


def _won(process: _Process, bid: Json, bidders: list[str]) -> bool:
    for award in process.awards:
        if award.get("status") not in ("active", None) or process.tender_id(award) != process.tender_id(bid):
            continue
        related = [str(one) for one in [award.get("relatedBid"), *_list(award.get("relatedBids"))] if one is not None]
        if related:
            if _id(bid) in related:
                return True
        elif {_org_id(one) for one in _objects(award.get("suppliers"))} & set(bidders):
            return True
    return False


def _awards(processes: Sequence[_Process]) -> Iterator[tuple[int, Json]]:
    for process in processes:
        for place, award in enumerate(process.awards, start=1):
            related = _text(award.get("relatedBid")) or next(iter(_list(award.get("relatedBids"))), None)
            suppliers = [one for told in _objects(award.get("suppliers")) if (one := _org_id(told))]
            yield (
                process.number,
                {
                    "award_id": f"{process.ocid}/{_id(award) or place}",
                    "tender_id": process.tender_id(award) if process.tender else None,
                    "bid_id": f"{process.ocid}/{related}" if related is not None else None,
                    "buyer_id": process.buyer,
                    "supplier_id": suppliers[0] if suppliers else None,
                    "amount": _amount(award.get("value")),
                    "awarded_at": _text(award.get("date")) or _signed(process, award),
                    "status": _text(award.get("status")) or "active",
                },
            )


def _signed(process: _Process, award: Json) -> str | None:
    for told in _objects(process.told.get("contracts")):
        if _text(told.get("awardID")) == _id(award) and _text(told.get("dateSigned")):
            return _text(told.get("dateSigned"))
    return None


def _bid_details(process: _Process) -> list[Json]:
    bids = process.told.get("bids")
    return _objects(bids.get("details")) if isinstance(bids, dict) else _objects(bids)


def _category(process: _Process) -> str | None:
    told = _text(process.tender.get("mainProcurementCategory"))
    if told is not None:
        return told
    items = _objects(process.tender.get("items"))
    for award in process.awards:
        items += _objects(award.get("items"))
    return next((category for item in items if (category := _category_of(item))), None)


def _category_of(item: Json) -> str | None:
    classification = _object(item.get("classification"))
    named = f"{classification.get('scheme')} {classification.get('description')}".upper()
    digits = (_classification(item) or "")[:2]
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


def _method(tender: Json) -> str | None:
    told = _text(tender.get("procurementMethod"))
    details = str(tender.get("procurementMethodDetails") or "").lower()
    if told == "limited" and any(word in details for word in SINGLE):
        return "single_source"
    return METHODS.get(told, told) if told else None


def _region(process: _Process) -> str:
    for party in _objects(process.told.get("parties")):
        if _id(party) == process.buyer:
            address = _object(party.get("address"))
            return next((r for f in ("region", "locality", "countryName") if (r := _text(address.get(f)))), "ZZ")
    return "ZZ"


def _told_by_awards(process: _Process) -> str:
    return "complete" if process.awards else "active"


def _classification(item: Json) -> str | None:
    return _text(_object(item.get("classification")).get("id"))


def _period(tender: Json, name: str, end: str) -> str | None:
    return _text(_object(tender.get(name)).get(end))


def _amount(told: Any) -> str | None:
    return _text(_object(told).get("amount"))


def _legal_name(told: Json) -> str | None:
    return _text(_object(told.get("identifier")).get("legalName"))


def _id(told: Any) -> str | None:
    entry = _object(told)
    identifier = _object(entry.get("identifier"))
    return _text(entry.get("id")) or _text(identifier.get("id"))


def _org_id(told: Any) -> str | None:
    name = _text(_object(told).get("name")) or _legal_name(_object(told))
    return _id(told) or (f"X-{name}" if name else None)


def _text(told: Any) -> str | None:
    if told is None or isinstance(told, dict | list | bool):
        return None
    return str(told).strip() or None


def _object(told: Any) -> Json:
    return told if isinstance(told, dict) else {}


def _objects(told: Any) -> list[Json]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []
