"""Whether an event is a step, first-time mathematics included."""

from services.query.events.source import Source
from services.query.insights.funnels.plan import Step


def is_step(source: Source, step: Step) -> str:
    """True or false for each event (UInt8), never null."""
    matches = source.condition(step.matches)
    if step.first_of is None:
        return matches
    return f"({matches} AND e.uuid IN {source.first_events(step.first_of)})"
