"""The session of a visitor after the right password: signed, short-lived, dead with its password.

`<token id>.<password id>.<expiry>.<signature>`; nothing is stored, so any process can check it.
"""

import msgspec

from services.common.http.request import AnyRequest
from services.common.http.signed_claims import SignedClaims
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
        self._claims = SignedClaims(key)

    @classmethod
    async def open(cls, pool: Pool) -> "ShareSessions":
        """The installation's key, made the first time."""
        return cls(await server_secret(pool, _NAME))

    def sign(self, session: ShareSession) -> str:
        claims = (str(session.token_id), str(session.password_id))
        return self._claims.sign(claims, LIFETIME_SECONDS)

    def check(self, text: str | None) -> ShareSession | None:
        """None for anything that this installation did not sign, or that has expired."""
        claims = self._claims.check(text)
        return None if claims is None else ShareSession(int(claims[0]), int(claims[1]))
