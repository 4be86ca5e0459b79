"""A project's facts, pulled."""

import msgspec
from msgspec import Raw


class PulledFacts(msgspec.Struct, frozen=True, kw_only=True):
    """events: CloudEvents, in ascending sequence. through: all up to there was looked at.

    head: the last there is. first: the first that is kept; None while there is none.
    next: asks for what follows `through`; always there.
    """

    events: list[Raw]
    through: str
    head: str
    first: str | None
    next: str
