"""Who may sign in and call: accounts with roles, argon2 password hashes, hashed API tokens. No account is built in."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases import audit
from cases.scopes import Scope
from cases.tables import Account, ApiToken
from cases.workflow import Role
from gnomon.errors import Fault, nearest

MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
SHORTEST_PASSWORD = 10
TOKEN_DAYS = 365
_NAME = re.compile(r"[\w.@-]{1,80}")
_HASHER = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts, with the role that decides what they may do."""

    name: str
    display: str
    role: Role
    organisation: str | None = None
    stamp: str = ""
    """Changes with the password: a session cookie that holds another stamp is no longer good."""
    via: str = ""
    """How they came in, when not by the console: `cli`, `token`."""
    scopes: frozenset[Scope] | None = None
    """What their token may be used for; null: all that the role may."""

    @property
    def actor(self) -> str:
        """How the trail names them."""
        return f"{self.via}:{self.name}" if self.via else self.name

    def by_way_of(self, via: str) -> Person:
        """The same person coming in another way."""
        return replace(self, via=via)


def add(
    session: Session,
    name: str,
    role: Role,
    actor: str,
    password: str | None = None,
    display: str = "",
    organisation: str | None = None,
) -> Person:
    """Make an account; without a password it signs in by token alone.

    Raises `Fault` when the name is taken (409) or unfit, or the password is too weak (422).
    """
    if not _NAME.fullmatch(name):
        raise Fault("cases.name_unfit", place=name)
    moment = audit.begin(session)
    if session.get(Account, name, populate_existing=True) is not None:
        raise Fault("cases.name_taken", place=name, status=409)
    hashed = None if password is None else _hashed(name, password)
    account = Account(name=name, display=display or name, role=role.value, organisation=organisation, password=hashed)
    account.disabled, account.failures, account.created_at = False, 0, moment
    session.add(account)
    session.flush()
    _record(session, actor, "add", account)
    return _person(account)


def person(session: Session, name: str) -> Person | None:
    """The person behind an enabled account."""
    account = session.get(Account, name)
    return None if account is None or account.disabled else _person(account)


def required(session: Session, name: str) -> Person:
    """The person behind an enabled account; a fault (404) that names the nearest when there is none."""
    found = person(session, name)
    if found is None:
        names = session.scalars(select(Account.name).where(Account.disabled.is_(False))).all()
        raise _unknown(name, names)
    return found


def named(session: Session, name: str | None) -> Person | None:
    """The person behind a name, as `required`; null, which stands for the system itself, for no name."""
    return None if name is None else required(session, name)


def account(session: Session, name: str) -> Account:
    """The account of this name, shut or not; a fault (404) that names the nearest when there is none."""
    found = session.get(Account, name)
    if found is None:
        raise _unknown(name, session.scalars(select(Account.name)).all())
    return found


def everyone(session: Session) -> Sequence[Account]:
    """All accounts, by name."""
    return session.scalars(select(Account).order_by(Account.name)).all()


def names(session: Session) -> dict[str, str]:
    """How each account is shown, by its name."""
    return {
        name: shown for name, shown in session.execute(select(Account.name, Account.display).order_by(Account.name))
    }


def set_disabled(session: Session, name: str, disabled: bool, actor: str) -> None:
    """Shut an account, its tokens with it, or open it again (its lock-out ends too)."""
    account = _locked(session, name)
    account.disabled = disabled
    account.failures, account.locked_until = 0, None
    if disabled:
        _revoke(session, name, audit.begin(session))
    _record(session, actor, "disable" if disabled else "enable", account)


def set_password(session: Session, name: str, password: str, actor: str) -> None:
    """Give an account another password; cookies made under the old one die."""
    account = _locked(session, name)
    account.password = _hashed(name, password)
    account.failures, account.locked_until = 0, None
    _record(session, actor, "password", account)


def authenticate(session: Session, name: str, password: str) -> Person | None:
    """The person, when the password is theirs. Null for everything else, without saying which.

    The caller must commit either way: failures are counted, and after `MAX_FAILURES` in a row the account stays shut
    for `LOCKED_FOR`. An unknown name costs the same time as a known one.
    """
    stored = session.scalar(select(Account.password).where(Account.name == name))
    fits = _fits(stored or _decoy(), password) and stored is not None
    if session.get(Account, name) is None:
        return None
    account = _locked(session, name)
    now = datetime.now(UTC)
    if account.disabled or (account.locked_until is not None and account.locked_until > now):
        _record(session, name, "login_refused", account)
        return None
    if not fits:
        account.failures += 1
        locks = account.failures >= MAX_FAILURES
        if locks:
            account.failures, account.locked_until = 0, now + LOCKED_FOR
        _record(session, name, "locked" if locks else "login_failed", account)
        return None
    account.failures, account.locked_until = 0, None
    if stored is not None and _HASHER.check_needs_rehash(stored):
        account.password = _HASHER.hash(password)
    _record(session, name, "login", account)
    return _person(account)


def issue_token(
    session: Session, name: str, actor: str, days: int = TOKEN_DAYS, scopes: Iterable[Scope] | None = None
) -> str:
    """A new API token of an account. It is told once; only its hash is kept.

    With `scopes` it is good for these uses alone, and only as far as the account's role goes; a fault (422) for none.
    """
    wanted = None if scopes is None else sorted(set(scopes))
    if wanted == []:
        raise Fault("cases.token_scopes", place=name)
    account = _locked(session, name)
    token = f"gno_{secrets.token_urlsafe(32)}"
    moment = audit.begin(session)
    made = ApiToken(hash=_token_hash(token), name=name, created_at=moment, expires_at=moment + timedelta(days=days))
    made.scopes = None if wanted is None else " ".join(wanted)
    session.add(made)
    _record(session, actor, "token", account, {} if wanted is None else {"scopes": made.scopes})
    return token


def revoke_tokens(session: Session, name: str, actor: str) -> int:
    """Make all tokens of an account worthless; tells how many were good before."""
    account = _locked(session, name)
    gone = _revoke(session, name, audit.begin(session))
    _record(session, actor, "revoke_tokens", account)
    return gone


def person_of_token(session: Session, token: str) -> Person | None:
    """The person whose good token this is."""
    # The whole hash is the key of the look-up, so its timing tells nothing about the token.
    found = session.get(ApiToken, _token_hash(token))
    if found is None or found.revoked_at is not None or found.expires_at <= datetime.now(UTC):
        return None
    holder = person(session, found.name)
    scopes = None if found.scopes is None else frozenset(map(Scope, found.scopes.split()))
    return None if holder is None else replace(holder, via="token", scopes=scopes)


def _locked(session: Session, name: str) -> Account:
    # The trail's lock comes first everywhere: two writers can then never wait for each other.
    audit.begin(session)
    session.get(Account, name, with_for_update=True, populate_existing=True)
    return account(session, name)


def _unknown(name: str, names: Iterable[str]) -> Fault:
    return Fault("cases.no_person", place=name, status=404, nearest=nearest(name, names) or "–")


def _person(account: Account) -> Person:
    stamp = hashlib.sha256((account.password or "").encode()).hexdigest()[:16]
    return Person(account.name, account.display, Role(account.role), account.organisation, stamp)


def _record(
    session: Session, actor: str, action: str, account: Account, more: Mapping[str, str | None] | None = None
) -> None:
    session.flush()
    after = {"role": account.role, "organisation": account.organisation, "disabled": account.disabled, **(more or {})}
    audit.record(session, actor, action, audit.Subject("account", account.name), None, after)


def _revoke(session: Session, name: str, moment: datetime) -> int:
    good = ApiToken.revoked_at.is_(None) & (ApiToken.expires_at > moment)
    hashes = session.scalars(select(ApiToken.hash).where(ApiToken.name == name, good)).all()
    session.execute(update(ApiToken).where(ApiToken.hash.in_(hashes)).values(revoked_at=moment))
    return len(hashes)


def _hashed(name: str, password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise Fault("cases.password_short", place=name, length=SHORTEST_PASSWORD)
    if name.casefold() in password.casefold():
        raise Fault("cases.password_name", place=name)
    return _HASHER.hash(password)


def _fits(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except VerificationError:
        return False


@cache
def _decoy() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
