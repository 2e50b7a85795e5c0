"""Signed packages: one case handed to an agency that has no account here, and taken in from one (线索移送).

A package is a JSON object `{"package": text, "signature": hex, "public_key": hex}`; the signature is Ed25519 over the
UTF-8 text of `package`. It holds what the other agency needs and nothing about who works here; the giving is on the
trail, and a receiver takes each package once. The public key is compared with the one that came another way.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

from cases import audit, bodies, bundle, outbox, queue, rescreen
from cases.asked import LONGEST, Conflict, Forbidden
from cases.people import Person
from cases.rescreen import Judge, Screened, Theirs
from cases.tables_work import GivenPackage
from cases.workflow import JUDGES, ROLES
from gnomon.config import Settings
from gnomon.errors import Fault, Misuse
from gnomon.terms import Severity, Text

FORMAT = "gnomon-case/1"
_WIDEST = 200
"""Characters of a title, a name or a number in a package that is taken in."""
_TITLE = Text("线索移送", "hand over to another agency")
_GIVEN = (
    "id", "scene", "scheme", "severity", "entity_kind", "entity_id", "entity_name", "title_zh", "title_en", "as_of",
    "opened_at", "description", "outcome", "amount_found",
)  # fmt: skip


def give(
    session: Session, settings: Settings, case_id: int, actor: Person, version: int, to: str, reason: str
) -> GivenPackage:
    """A package about one case, as it stood at `version`, for the agency `to`; it is kept as it was given.

    Faults: 404 the case, 403 the role, 409 the case has changed since, 422 no agency or no reason.
    """
    moment = audit.begin(session)
    found = queue.found(session, case_id, to_change=True, reader=actor)
    if bodies.role_in(session, actor, found) not in JUDGES:
        raise Forbidden("cases.may_not_give", place=str(case_id), role=ROLES[actor.role])
    if found.version != version:
        raise Conflict("cases.changed", place=str(case_id), seen=version, version=found.version)
    if not to.strip() or not reason.strip():
        raise Fault("cases.needs_reason", place=str(case_id), action=_TITLE)
    if max(len(to), len(reason)) > LONGEST:
        raise Fault("cases.too_long", place=str(case_id), most=LONGEST)
    number, whole = secrets.token_hex(16), found.as_dict()
    told = {
        "format": FORMAT,
        "id": number,
        "made_at": moment.isoformat(),
        "from": actor.organisation or outbox.SOURCE,
        "to": to.strip(),
        "reason": reason.strip(),
        "case": {name: whole[name] for name in _GIVEN},
        "warnings": [_warning(json.loads(row.pack), row.fingerprint) for row in queue.case(session, case_id).warnings],
    }
    package = json.dumps(told, ensure_ascii=False, sort_keys=True)
    signature = bundle.sign(settings, package.encode())
    found.version += 1
    found.updated_at = moment
    session.flush()
    after = {"package": number, "to": to.strip(), "reason": reason.strip(), "version": found.version}
    audit.record(session, actor.actor, "give", queue.subject(found), None, {**after, "signature": signature})
    outbox.put(session, "case.give", found, actor.actor, moment, {"package": number, "to": to.strip()})
    signed = {"package": package, "signature": signature, "public_key": bundle.public_key(settings)}
    made = GivenPackage(number=number, case_id=case_id, told=json.dumps(signed, ensure_ascii=False), given_at=moment)
    session.add(made)
    session.flush()
    return made


def given(session: Session, number: str) -> GivenPackage:
    """A package as it was given."""
    return session.get_one(GivenPackage, number)


def opened(package: bytes, public_key: str) -> dict[str, Any]:
    """What a package says, once its signature holds; a fault (400) when it is no package or was not signed by them."""
    try:
        whole = json.loads(package)
        text, signature = whole["package"].encode(), bytes.fromhex(whole["signature"])
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(signature, text)
        told: dict[str, Any] = json.loads(text)
        if told["format"] != FORMAT:
            raise ValueError(told["format"])
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
        raise Misuse("cases.package_unsigned", place="package") from None
    return told


def read(package: bytes, public_key: str) -> Theirs:
    """What a package brings in; a fault (400) as of `opened`, and when parts of the case are missing or too long."""
    told = opened(package, public_key)
    try:
        case = told["case"]
        named = ("title_zh", "scene", "scheme", "entity_kind", "entity_id", "entity_name")
        for part in (told["id"], told["reason"], *(case[name] for name in named)):
            if not isinstance(part, str) or "\0" in part:
                raise TypeError(type(part))
            part.encode()  # Half a character, which JSON can write, is no text.
        if len(told["reason"]) > LONGEST or max(len(told["id"]), *(len(case[name]) for name in named)) > _WIDEST:
            raise ValueError(told["id"][:_WIDEST])
        return Theirs(
            system=f"package:{public_key[:16].lower()}",
            id=told["id"],
            title=case["title_zh"],
            scene=case["scene"],
            scheme=case["scheme"],
            entity_kind=case["entity_kind"],
            entity_id=case["entity_id"],
            entity_name=case["entity_name"],
            severity=Severity(case["severity"]),
            description=told["reason"],
            told=told,
        )
    except (KeyError, TypeError, ValueError):
        raise Misuse("cases.package_unsigned", place="package") from None


def take(session: Session, package: bytes, public_key: str, judge: Judge, actor: Person) -> Screened:
    """Take in what another agency gave: scored by our models, and joined to the open case or opened as one, once."""
    return rescreen.rescreen(session, [read(package, public_key)], judge, actor)[0]


def _warning(pack: dict[str, Any], fingerprint: str) -> dict[str, Any]:
    """Score and reasons; the rows behind a reason stay here, by number of rows alone."""
    names = ("measure", "title", "value", "unit", "contribution", "sentence")
    reasons = [
        {**{name: one[name] for name in names}, "rows": sum(e["total"] for e in one["evidence"])}
        for one in pack["reasons"]
    ]
    kept = {name: pack[name] for name in ("model", "model_version", "title", "as_of", "score", "percentile")}
    return {"fingerprint": fingerprint, **kept, "reasons": reasons}
