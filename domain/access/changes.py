"""The changes that each fact of access rules makes."""

from contracts.events.access import AccessEvent, AccessGranted
from contracts.read_models.activity import Change
from domain.changes import change


def changes(event: AccessEvent) -> list[Change]:
    """The level that one rule gives; whose rule it is, the fact says."""
    level = event.level if isinstance(event, AccessGranted) else None
    return [change("access_level", event.previous, level, "Insight")]
