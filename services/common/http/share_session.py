"""The session of a visitor after the right password: signed, short-lived, dead with its password.

`<token id>.<password id>.<expiry>.<signature>`; nothing is stored, so any process can check it.
"""

import base64
import hashlib
import hmac
import time

import msgspec

from services.common.http.request import AnyRequest
from services.common.postgres.database import Pool
from services.common.postgres.server_secrets import server_secret

COOKIE = "recount_share"
LIFETIME_SECONDS = 24 * 3600
_NAME = "share_session"


def session_of(request: AnyRequest) -> str | None:
    """The request's share session: a bearer token from programs, a cookie from browsers."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else request.cookies.get(COOKIE)


class ShareSession(msgspec.Struct, frozen=True):
    """The share token that was opened, and the password that opened it."""

    token_id: int
    password_id: int


class ShareSessions:
    """Signs and checks with a key that all processes of an installation share."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    async def open(cls, pool: Pool) -> "ShareSessions":
        """The installation's key, made the first time."""
        return cls(await server_secret(pool, _NAME))

    def sign(self, session: ShareSession) -> str:
        expires = int(time.time()) + LIFETIME_SECONDS
        claims = f"{session.token_id}.{session.password_id}.{expires}"
        return f"{claims}.{self._signature(claims)}"

    def check(self, text: str | None) -> ShareSession | None:
        """None for anything that this installation did not sign, or that has expired."""
        claims, _, signature = (text or "").rpartition(".")
        if not hmac.compare_digest(self._signature(claims).encode(), signature.encode()):
            return None
        token_id, password_id, expires = (int(part) for part in claims.split("."))
        return ShareSession(token_id, password_id) if time.time() < expires else None

    def _signature(self, claims: str) -> str:
        digest = hmac.digest(self._key, claims.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
