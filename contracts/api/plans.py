"""The answer to a dry run: what the command would append, and the plan to hold it to."""

import msgspec
from msgspec import Raw

MEDIA_TYPE = "application/vnd.recount.plan+json"


class PlannedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as it would stand in its stream. data: numbers of secrets are null in it."""

    kind: str
    id: int
    version: int | None
    type: str
    data: Raw


class Affected(msgspec.Struct, frozen=True):
    """dashboards: that show the insights which would change. shares: of those, shared ones."""

    dashboards: tuple[int, ...]
    shares: tuple[int, ...]


class PlanBody(msgspec.Struct, frozen=True, kw_only=True):
    """status: that the command would be answered with. events: none when nothing would change.

    plan: for If-Match, with the same request: it is done only if nothing has moved by then.
    """

    status: int
    events: tuple[PlannedEvent, ...]
    sentences: tuple[str, ...]
    results_can_change: bool
    affects: Affected
    plan: str
    expires_at: str
    dry_run: bool = True
