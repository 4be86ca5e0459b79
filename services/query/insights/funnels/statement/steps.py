"""Whether an event is a step, first-time mathematics included."""

from services.query.events.source import Source
from services.query.insights.funnels.plan import Step


def is_step(source: Source, step: Step) -> str:
    """True or false for each event (UInt8), never null."""
    matches = source.condition(step.matches)
    if step.first_time is None:
        return matches
    with_filters = step.first_time == "first_time_for_user_with_filters"
    first = source.first_events(step.matches if with_filters else step.entity)
    return f"({matches} AND e.uuid IN {first})"
