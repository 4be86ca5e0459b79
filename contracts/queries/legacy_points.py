"""Legacy requests for the people behind a point of trends, stickiness or a lifecycle (trends.md
section 11): filters of which the range is the point, and which of their series is meant.
"""

import re
from typing import TypeVar, get_args

import msgspec

from contracts.queries import legacy_shown, reading
from contracts.queries.counted import CountedActionsNode, CountedEventsNode, CountedSeries
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.insight_actors import BreakdownChoice, InsightActorsQuery, Side, Status
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.loose import Filters, Json, boolean, integer, json_value, number, text
from contracts.queries.nodes import DataWarehouseNode, Node
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery

_STATUSES: tuple[Status, ...] = get_args(Status)
_ANY = TypeVar("_ANY", bound=Node)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)


def convert_trends(filters: Filters) -> InsightActorsQuery:
    """The filter of `persons/trends/`: date_from and date_to are the point. Raises InvalidQuery.

    So nothing is compared: the point of the previous side names its own days. The URLs beside
    points (ours) say `day` and `compare_label` instead, and keep the range: Other, and who is new
    in a running sum, hang on it.
    """
    day, side = text(filters, "day"), _side(filters)
    if day is None and side is None:
        source = _node(legacy_shown.trends(_whole_point(filters)), TrendsQuery)
        source = msgspec.structs.replace(source, compareFilter=None)
    else:
        source = _node(legacy_shown.trends(filters), TrendsQuery)
    return InsightActorsQuery(
        source=source,
        day=day,
        series=_series_index(filters, source.series),
        breakdown=_breakdown(filters),
        compare=side,
        includeRecordings=boolean(filters, "include_recordings"),
    )


def convert_stickiness(filters: Filters) -> InsightActorsQuery:
    """The filter of `persons/stickiness/`: stickiness_days is the point. Raises InvalidQuery."""
    source = _node(legacy_shown.stickiness(filters), StickinessQuery)
    days = integer(filters, "stickiness_days")
    if days is None:
        raise InvalidQuery("stickiness_days", "required", "This field is required.")
    return InsightActorsQuery(
        source=msgspec.structs.replace(source, compareFilter=None),
        day=days,
        series=_series_index(filters, source.series),
        includeRecordings=boolean(filters, "include_recordings"),
    )


def convert_lifecycle(filters: Filters) -> InsightActorsQuery:
    """The filter of `persons/lifecycle/`: target_date and lifecycle_type. Raises InvalidQuery."""
    status, day = text(filters, "lifecycle_type"), text(filters, "target_date")
    for name, value in (("lifecycle_type", status), ("target_date", day)):
        if value is None:
            raise InvalidQuery(name, "required", "This field is required.")
    known = next((one for one in _STATUSES if one == status), None)
    if known is None:
        detail = f'"{str(status)[:100]}" is not a valid choice.'
        raise invalid_input("lifecycle_type", detail)
    return InsightActorsQuery(
        source=_node(legacy_shown.lifecycle(filters), LifecycleQuery),
        day=day,
        status=known,
        includeRecordings=boolean(filters, "include_recordings"),
    )


def _node(document: Json, expected: type[_ANY]) -> _ANY:
    return reading.node(document, expected, None)


# The point


def _whole_point(filters: Filters) -> Filters:
    """A time named twice is the whole of its hour, minute or second: as rows name their points."""
    since, until = text(filters, "date_from"), text(filters, "date_to")
    found = _TIME.fullmatch(until or "")
    if found is None or since != until:
        return filters
    day, hour, minute, second = found.groups()
    match text(filters, "interval"):
        case "hour" | "minute":
            end = f"{day}T{hour}:59:59.999999"
        case _:
            end = f"{day}T{hour}:{minute}:{second or '00'}.999999"
    return {**filters, "date_to": end}


def _side(filters: Filters) -> Side | None:
    sent = text(filters, "compare_label")
    known: tuple[Side, ...] = get_args(Side)
    found = next((one for one in known if one == sent), None)
    if sent is not None and found is None:
        raise invalid_input("compare_label", f'"{sent[:100]}" is not a valid choice.')
    return found


# The row


def _series_index(filters: Filters, series: tuple[CountedSeries, ...]) -> int | None:
    """Of the series that is meant: by its index, else by what it counts; None: the first."""
    order = integer(filters, "entity_order")
    if order is not None:
        return order
    wanted = filters.get("entity_id")
    if wanted is None or wanted == "":
        return None
    math = text(filters, "entity_math")
    is_action = text(filters, "entity_type") == "actions"
    indexes = [index for index, node in enumerate(series) if _is(node, wanted, is_action=is_action)]
    if not indexes:
        raise invalid_input("entity_id", "The query has no such series.")
    of_math = [index for index in indexes if _math(series[index]) == math]
    return of_math[0] if math and of_math else indexes[0]


def _is(node: CountedSeries, wanted: Json, *, is_action: bool) -> bool:
    match node:
        case CountedActionsNode(id=id_):
            return is_action and number(wanted) == id_
        case CountedEventsNode(event=event):
            return not is_action and event == str(wanted)
        case _:
            return False


def _math(node: CountedSeries) -> str | None:
    return None if isinstance(node, DataWarehouseNode) else node.math


def _breakdown(filters: Filters) -> BreakdownChoice | None:
    """A row's breakdown_value: a list (JSON), a text, or a cohort's id. "" is a value."""
    sent = filters.get("breakdown_value")
    if sent == "":
        return ""
    read: Json = json_value(filters, "breakdown_value", plain_text=True)
    if isinstance(read, list | tuple):
        return tuple(one for one in read if isinstance(one, str | int | float))
    return read if isinstance(read, str | int | float) else None
