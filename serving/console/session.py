"""Who is signed in on a browser: a signed cookie that scripts cannot read, and a token on every form."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from gnomon.config import Settings
from gnomon.errors import Fault

COOKIE = "gnomon_session"
VISIT = "gnomon_visit"
"""Cookie of a browser that has not signed in yet; the sign-in form's token hangs on it."""

HOURS = 12
"""A session ends after a working day, whatever happens."""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    user: str
    stamp: str
    """What the account looked like at sign-in; a changed password or a disabled account ends the session."""
    nonce: str


def issue(response: Response, settings: Settings, user: str, stamp: str, secure: bool) -> None:
    """Sign a browser in."""
    value = _signer(settings).dumps([user, stamp, fresh_nonce()])
    response.set_cookie(COOKIE, value, max_age=HOURS * 3600, httponly=True, samesite="lax", secure=secure, path="/")
    response.delete_cookie(VISIT, path="/")


def remember_visit(response: Response, nonce: str, secure: bool) -> None:
    """Remember the nonce of a browser that is about to sign in."""
    response.set_cookie(VISIT, nonce, max_age=3600, httponly=True, samesite="lax", secure=secure, path="/")


def fresh_nonce() -> str:
    """A nonce that nobody can guess."""
    return secrets.token_urlsafe(16)


def read(request: HTTPConnection, settings: Settings) -> Session | None:
    """The session that the cookie proves; nothing when it is absent, forged or too old."""
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    try:
        user, stamp, nonce = _signer(settings).loads(cookie, max_age=HOURS * 3600)
    except (BadSignature, ValueError, TypeError):
        return None
    return Session(str(user), str(stamp), str(nonce))


def token(settings: Settings, nonce: str) -> str:
    """The token that a form of this session carries."""
    return hmac.new(settings.secret, f"csrf:{nonce}".encode(), hashlib.sha256).hexdigest()


def check_token(settings: Settings, nonce: str, given: str | None) -> None:
    """Refuse a form or call that another site made the browser send."""
    if not given or not hmac.compare_digest(token(settings, nonce), given):
        raise Fault("serving.auth.csrf", place="csrf", status=403)


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret, salt="gnomon.session")
