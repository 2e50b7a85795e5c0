"""What OCDS tells before and after the award: the planned budget, contracts, their amendments and their payments.

A contract signed on no told day counts from the start of its period. An amendment's amount is the contract's value in
the release that it names less the value in the release that it amends, or what its deprecated `changes` tell; where
neither is told the row lacks what its contract requires and is refused. OCDS has no kinds of payment: a transaction is
a progress payment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from features.connectors.ocds_process import Process, amount_of, category_of, party_id, region_of, told_id
from features.connectors.standard import Json, Row, an_object, objects, text

KINDS = {"works": "works", "goods": "goods", "services": "service"}


def planned(process: Process) -> str | None:
    """Identifier of the project that the process was planned for, when a budget was told."""
    budget = _budget(process)
    return (text(budget.get("projectID")) or process.ocid) if amount_of(budget.get("amount")) else None


def projects(processes: Sequence[Process]) -> Iterator[Row]:
    """One project for each process with a planned budget; processes of one project share it."""
    seen: dict[str, Row] = {}
    for process in processes:
        project = planned(process)
        if project is None or project in seen:
            continue
        budget = _budget(process)
        title = text(an_object(an_object(process.told.get("planning")).get("project")).get("title"))
        name = title or text(budget.get("project")) or text(process.tender.get("title")) or project
        told = {
            "project_id": project,
            "name": name,
            "owner_org_id": process.buyer,
            "region_code": region_of(process),
            "sector": category_of(process),
            "budget_amount": amount_of(budget.get("amount")),
        }
        seen[project] = process.number, told
    yield from seen.values()


def contracts(processes: Sequence[Process]) -> Iterator[Row]:
    """Contracts as they stand after all amendments."""
    for process in processes:
        for place, told in enumerate(objects(process.told.get("contracts")), start=1):
            if text(told.get("status")) == "cancelled":
                continue
            period = an_object(told.get("period"))
            award = _award(process, told)
            row = {
                "contract_id": contract_id(process, told, place),
                "award_id": f"{process.ocid}/{told_id(award)}" if told_id(award) else None,
                "project_id": planned(process),
                "buyer_id": process.buyer,
                "supplier_id": _supplier(told, award),
                "kind": KINDS.get(category_of(process) or ""),
                "amount": amount_of(told.get("value")) or amount_of(award.get("value")),
                "signed_at": text(told.get("dateSigned")) or text(period.get("startDate")),
                "start_at": text(period.get("startDate")),
                "end_at": text(period.get("endDate")),
            }
            yield process.number, row


def amendments(processes: Sequence[Process]) -> Iterator[Row]:
    """Amendments of contracts, with what they added to or took from the amount."""
    for process in processes:
        for place, contract in enumerate(objects(process.told.get("contracts")), start=1):
            name = contract_id(process, contract, place)
            single = an_object(contract.get("amendment"))
            for number, told in enumerate(objects(contract.get("amendments")) or ([single] if single else []), start=1):
                row = {
                    "amendment_id": f"{name}/{told_id(told) or number}",
                    "contract_id": name,
                    "amended_at": text(told.get("date")),
                    "delta_amount": _delta(process, contract, told),
                    "new_end_at": _end_after(process, contract, told),
                    "reason_text": text(told.get("rationale")) or text(told.get("description")),
                }
                yield process.number, row


def payments(processes: Sequence[Process]) -> Iterator[Row]:
    """Transactions of the implementation of contracts."""
    for process in processes:
        for place, contract in enumerate(objects(process.told.get("contracts")), start=1):
            name = contract_id(process, contract, place)
            supplier = _supplier(contract, _award(process, contract))
            transactions = objects(an_object(contract.get("implementation")).get("transactions"))
            for number, told in enumerate(transactions, start=1):
                payer = told.get("payer") or told.get("providerOrganization")
                payee = told.get("payee") or told.get("receiverOrganization")
                row = {
                    "payment_id": f"{name}/{told_id(told) or number}",
                    "contract_id": name,
                    "payer_id": party_id(payer) or process.buyer,
                    "payee_id": party_id(payee) or supplier,
                    "kind": "progress",
                    "paid_at": text(told.get("date")),
                    "amount": amount_of(told.get("value")) or amount_of(told.get("amount")),
                }
                yield process.number, row


def contract_id(process: Process, told: Json, place: int) -> str:
    """Contracts have ids within their process only."""
    return f"{process.ocid}/{told_id(told) or place}"


def _budget(process: Process) -> Json:
    return an_object(an_object(process.told.get("planning")).get("budget"))


def _award(process: Process, contract: Json) -> Json:
    named = text(contract.get("awardID"))
    awards = objects(process.told.get("awards"))
    if named is None:
        return awards[0] if len(awards) == 1 else {}
    return next((one for one in awards if told_id(one) == named), {"id": named})


def _supplier(contract: Json, award: Json) -> str | None:
    suppliers = [*objects(contract.get("suppliers")), *objects(award.get("suppliers"))]
    return next((one for told in suppliers if (one := party_id(told))), None)


def _delta(process: Process, contract: Json, told: Json) -> str | None:
    after = _number(amount_of(an_object(_as_of(process, contract, told.get("releaseID")).get("value"))))
    before = _number(amount_of(an_object(_as_of(process, contract, told.get("amendsReleaseID")).get("value"))))
    if after is not None and before is not None:
        return str(after - before)
    for change in objects(told.get("changes")):
        if str(change.get("property", "")).replace(".", "/").strip("/").endswith("value/amount"):
            was, now = _number(text(change.get("former_value"))), _number(amount_of(contract.get("value")))
            return None if was is None or now is None else str(now - was)
    return None


def _end_after(process: Process, contract: Json, told: Json) -> str | None:
    return text(an_object(_as_of(process, contract, told.get("releaseID")).get("period")).get("endDate"))


def _as_of(process: Process, contract: Json, release: object) -> Json:
    """The contract as the release of that id tells it."""
    for _, one in process.releases:
        if release is not None and str(one.get("id")) == str(release):
            same = (c for c in objects(one.get("contracts")) if told_id(c) == told_id(contract))
            return next(same, {})
    return {}


def _number(told: str | None) -> Decimal | None:
    try:
        return None if told is None else Decimal(told)
    except InvalidOperation:
        return None
