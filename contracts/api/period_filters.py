"""Legacy filters of trends, stickiness and lifecycles as they are documented. Nothing decodes them:
`contracts.queries.legacy_shown` and `legacy_points` read what clients really send, which is looser.
trends.md section 1.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.api.funnel_filters import Flag, Number, Several, Text


class PeriodFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The members of all three. By GET, the same as parameters, lists as JSON text."""

    events: Annotated[
        Several,
        Meta(
            description="Series: [{id, order, name, custom_name, properties, math, math_property,"
            " math_property_type, math_hogql, math_group_type_index}]."
        ),
    ] = UNSET
    actions: Annotated[Several, Meta(description="Series that are actions: [{id, order, …}].")] = (
        UNSET
    )
    properties: Annotated[
        list[Any] | dict[str, Any] | str | UnsetType | None,
        Meta(description="Filters of all events: a list, or a group {type: AND|OR, values}."),
    ] = UNSET
    filter_test_accounts: Annotated[
        Flag, Meta(description="Leave out whom the project's settings call test accounts.")
    ] = UNSET
    date_from: Annotated[Text, Meta(description="-7d unless given.")] = UNSET
    date_to: Annotated[Text, Meta(description="Now unless given.")] = UNSET
    explicit_date: Annotated[Flag, Meta(description="Take the times as they are given.")] = UNSET
    interval: Annotated[Text, Meta(description="hour, day, week or month; day unless given.")] = (
        UNSET
    )
    sampling_factor: Annotated[
        float | str | UnsetType | None, Meta(description="Above 0, up to 1.")
    ] = UNSET


class _PointPeople(PeriodFilter, frozen=True, kw_only=True):
    search: Annotated[
        Text, Meta(description="Part of a name, an email, a distinct id or a group's key.")
    ] = UNSET
    limit: Number = UNSET
    offset: Number = UNSET


class _SeriesPeople(_PointPeople, frozen=True, kw_only=True):
    """The series that is meant, where there are several."""

    entity_order: Annotated[Number, Meta(description="Its place, from 0.")] = UNSET
    entity_id: Annotated[
        str | int | UnsetType | None, Meta(description="Instead: its event or action.")
    ] = UNSET
    entity_type: Annotated[Text, Meta(description="events or actions.")] = UNSET
    entity_math: Annotated[Text, Meta(description="Of several of one event, the one meant.")] = (
        UNSET
    )


class RunTrend(PeriodFilter, frozen=True, kw_only=True):
    """Body of insights/trend/; by GET, the same as parameters, lists as JSON text."""

    insight: Annotated[
        Text, Meta(description="TRENDS unless given; or STICKINESS, or LIFECYCLE.")
    ] = UNSET
    breakdown: Annotated[
        list[Any] | str | int | UnsetType | None,
        Meta(description="A property, a list of them, or cohorts."),
    ] = UNSET
    breakdown_type: Annotated[Text, Meta(description="event, person, group, cohort …")] = UNSET
    breakdowns: Annotated[Several, Meta(description="Up to three {type, property}.")] = UNSET
    breakdown_limit: Annotated[Number, Meta(description="25 unless given.")] = UNSET
    offset: Annotated[
        Number, Meta(description="As `next` carries it: of the breakdown's values on this page.")
    ] = UNSET
    breakdown_group_type_index: Number = UNSET
    breakdown_normalize_url: Flag = UNSET
    breakdown_hide_other_aggregation: Flag = UNSET
    breakdown_histogram_bin_count: Annotated[
        Number, Meta(description="Rows are so many bins of numbers.")
    ] = UNSET
    display: Annotated[
        Text, Meta(description="ActionsLineGraph unless given; BoldNumber and the like: one value.")
    ] = UNSET
    formula: Annotated[Text, Meta(description="Of series, by their letters: A / B.")] = UNSET
    smoothing_intervals: Annotated[Number, Meta(description="1 unless given.")] = UNSET
    compare: Annotated[Flag, Meta(description="With the range before.")] = UNSET
    compare_to: Annotated[Text, Meta(description="-1w, -1m …: with the range so long ago.")] = UNSET
    aggregation_group_type_index: Annotated[
        Number, Meta(description="Of a lifecycle: count groups of this type, not persons.")
    ] = UNSET
    refresh: Annotated[Flag, Meta(description="true recomputes; else a refresh mode.")] = UNSET
    client_query_id: Annotated[
        Text, Meta(description="The client's name for the run: insights/cancel/ takes it.")
    ] = UNSET
    include: Annotated[
        list[Literal["changes", "incomplete", "late", "result_hash", "warnings"]]
        | str
        | UnsetType
        | None,
        Meta(
            description="More than PostHog tells: changes, incomplete, late, result_hash, warnings."
        ),
    ] = UNSET
    export_name: Annotated[Text, Meta(description="Of the file, as CSV.")] = UNSET
    export_insight_id: Annotated[
        Text, Meta(description="As CSV: the insight whose URL is the first line.")
    ] = UNSET


class TrendPeople(_SeriesPeople, frozen=True, kw_only=True):
    """A trend's filter. date_from and date_to are the point: a day to itself."""

    breakdown: Annotated[
        list[Any] | str | int | UnsetType | None,
        Meta(description="A property, a list of them, or cohorts."),
    ] = UNSET
    breakdown_type: Annotated[Text, Meta(description="event, person, group, cohort …")] = UNSET
    breakdowns: Annotated[Several, Meta(description="Up to three {type, property}.")] = UNSET
    breakdown_value: Annotated[
        str | int | list[Any] | UnsetType | None, Meta(description="The row's.")
    ] = UNSET
    display: Text = UNSET
    day: Annotated[
        Text, Meta(description="Ours, of the URLs beside points: the point in the filter's range.")
    ] = UNSET
    compare_label: Annotated[
        Text, Meta(description="Ours, beside it: current or previous, where it is compared.")
    ] = UNSET


class StickinessPeople(_SeriesPeople, frozen=True, kw_only=True):
    """A filter of stickiness, and which of its points is meant."""

    stickiness_days: Annotated[Number, Meta(description="Active in exactly so many intervals.")] = (
        UNSET
    )


class LifecyclePeople(_PointPeople, frozen=True, kw_only=True):
    """A lifecycle's filter, and which of its points is meant."""

    aggregation_group_type_index: Annotated[
        Number, Meta(description="Count groups of this type, not persons.")
    ] = UNSET
    lifecycle_type: Annotated[
        Text, Meta(description="new, returning, resurrecting or dormant.")
    ] = UNSET
    target_date: Annotated[Text, Meta(description="The point: one of `days`.")] = UNSET
