"""Which number of stickiness an actors query points at (trends.md sections 11 and 12)."""

import msgspec

from contracts.queries.errors import invalid_input
from contracts.queries.insight_actors import InsightActorsQuery, Side, StickinessActorsQuery
from contracts.queries.stickiness import Criterion
from services.query.events.points import series_place
from services.query.insights.stickiness.plan import Intervals, Series, StickinessPlan


class Pointed(msgspec.Struct, frozen=True, kw_only=True):
    """Actors whose number of intervals is `intervals`, or at least or at most that.

    series: None when its action is unknown: nobody is behind it. intervals: None: any number.
    """

    series: Series | None
    side: Side
    intervals: int | None
    operator: Criterion


def pointed(plan: StickinessPlan, query: InsightActorsQuery | StickinessActorsQuery) -> Pointed:
    """Raises InvalidQuery for what is no number of the plan's answer."""
    places = [one.place for one in plan.series] + [place for place, _ in plan.unknown]
    place = series_place(query.series, len(places))
    operator = query.operator if isinstance(query, StickinessActorsQuery) else None
    side: Side = query.compare or "current"
    intervals_of_side(plan, side)
    return Pointed(
        series=next((one for one in plan.series if one.place == place), None),
        side=side,
        intervals=_number(query.day),
        operator=operator or ("gte" if plan.cumulative else "exact"),
    )


def intervals_of_side(plan: StickinessPlan, side: Side) -> Intervals:
    """Raises InvalidQuery for the previous side of a query that compares with none."""
    if side == "current":
        return plan.current
    if plan.previous is None:
        raise invalid_input("compare", "The query is compared with no other range.")
    return plan.previous


def _number(day: str | int | None) -> int | None:
    if day is None:
        return None
    text = str(day)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise invalid_input("day", f"'{text[:100]}' is no number of intervals.")
    return int(text)
