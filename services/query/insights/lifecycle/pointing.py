"""Which number of a lifecycle an InsightActorsQuery points at (trends.md sections 11 and 13)."""

import msgspec

from contracts.queries.errors import invalid_input
from contracts.queries.insight_actors import InsightActorsQuery, Status
from services.query.events.points import point_of, series_place
from services.query.insights.lifecycle.plan import LifecyclePlan


class Pointed(msgspec.Struct, frozen=True):
    """point: index of a period; None: any of them. status: None: any."""

    point: int | None
    status: Status | None


def pointed(plan: LifecyclePlan, query: InsightActorsQuery) -> Pointed:
    """Raises InvalidQuery for what is no number of the plan's answer."""
    series_place(query.series, 1)
    if query.compare == "previous":
        raise invalid_input("compare", "A lifecycle is compared with no other range.")
    point = None if query.day is None else point_of(str(query.day), plan.span, plan.span)
    return Pointed(point, query.status)
