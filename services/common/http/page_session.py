"""The session of somebody who looks at a project's pages: signed, and over when its key is.

It names the key that opened it, and the project to begin with; nothing is stored.
"""

import msgspec

from services.common.accounts.login_links import SESSION_HOURS
from services.common.http.signed_claims import SignedClaims
from services.common.postgres.database import Pool
from services.common.postgres.server_secrets import server_secret

COOKIE = "recount_page"
LIFETIME_SECONDS = SESSION_HOURS * 3600
_NAME = "page_session"


class PageSession(msgspec.Struct, frozen=True):
    key_id: str
    team_id: int


class PageSessions:
    """Signs and checks with a key that all processes of an installation share."""

    def __init__(self, key: bytes) -> None:
        self._claims = SignedClaims(key)

    @classmethod
    async def open(cls, pool: Pool) -> "PageSessions":
        """The installation's key, made the first time."""
        return cls(await server_secret(pool, _NAME))

    def sign(self, session: PageSession) -> str:
        return self._claims.sign((session.key_id, str(session.team_id)), LIFETIME_SECONDS)

    def check(self, text: str | None) -> PageSession | None:
        """None for anything that this installation did not sign, or that has expired."""
        claims = self._claims.check(text)
        return None if claims is None else PageSession(claims[0], int(claims[1]))

    def form_token(self, text: str) -> str:
        """What a form of this session has to bring back: nobody else's page can know it."""
        return self._claims.signature(f"form.{text}")
