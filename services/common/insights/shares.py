"""A share's token, the insight that it opens, and the one rule of when a share is alive."""

import re
from datetime import datetime

import msgspec

from contracts.read_models.insight import InsightRow
from contracts.read_models.sharing import SharingRow
from services.common.http.share_session import ShareSession

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Share(msgspec.Struct, frozen=True):
    """A live share: the token it was found by, its configuration and its insight."""

    token_id: int
    sharing: SharingRow
    insight: InsightRow

    @property
    def team_id(self) -> int:
        return self.insight.team_id

    def opened_by(self, session: ShareSession | None) -> bool:
        """Whether the visitor may look: the share needs no password, or a living one was given."""
        if not self.sharing.password_required:
            return True
        return (
            session is not None
            and session.token_id == self.token_id
            and any(known.id == session.password_id for known in self.sharing.passwords)
        )


def is_token(text: str) -> bool:
    """Whether it can be one at all; what is not need not be looked for."""
    return _TOKEN.fullmatch(text) is not None


def is_alive(sharing: SharingRow, token_id: int, now: datetime) -> bool:
    """The present token, or one that was rotated away and still has its grace."""
    if not sharing.enabled:
        return False
    return sharing.token_id == token_id or any(
        old.token_id == token_id and now < old.until for old in sharing.grace
    )
