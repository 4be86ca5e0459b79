"""What the public side tells of a shared insight, and nothing else of the project."""

from datetime import datetime

import msgspec
from msgspec import Raw


class SharedInsight(msgspec.Struct, frozen=True, kw_only=True):
    name: str | None
    derived_name: str | None
    description: str | None
    query: Raw
    filters: Raw
    result: Raw
    columns: Raw
    last_refresh: datetime | None
    timezone: str


class SharedAnswer(msgspec.Struct, frozen=True):
    """`/shared/:token.json`."""

    insight: SharedInsight


class Unlock(msgspec.Struct, frozen=True):
    """Body of POST /shared/:token."""

    password: str


class Unlocked(msgspec.Struct, frozen=True):
    """shareToken: sent back as a cookie by browsers, as a bearer token by programs."""

    shareToken: str
