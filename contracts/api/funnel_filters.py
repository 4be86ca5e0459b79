"""A legacy funnel filter as it is documented. Nothing decodes it: `contracts.queries.legacy` reads
what clients really send, which is looser. funnels.md section 1.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Text = str | UnsetType | None
Number = int | str | UnsetType | None
Flag = bool | str | UnsetType | None
Several = list[Any] | str | UnsetType | None
"""In a body a list or its JSON text; in a query string the text."""


class FunnelFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Body of insights/funnel/; by GET, the same as parameters, lists as JSON text."""

    events: Annotated[
        Several, Meta(description="Steps: [{id, order, name, custom_name, properties, math}].")
    ] = UNSET
    actions: Annotated[Several, Meta(description="Steps that are actions: [{id, order, …}].")] = (
        UNSET
    )
    exclusions: Annotated[
        Several, Meta(description="Events between steps that spoil an attempt.")
    ] = UNSET
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
    interval: Annotated[Text, Meta(description="hour, day, week or month; of trends.")] = UNSET
    breakdown: Annotated[
        list[Any] | str | int | UnsetType | None,
        Meta(description="A property, a list of them, or cohorts."),
    ] = UNSET
    breakdown_type: Annotated[Text, Meta(description="event, person, group, cohort …")] = UNSET
    breakdowns: Annotated[Several, Meta(description="Exactly one {type, property}.")] = UNSET
    breakdown_limit: Annotated[Number, Meta(description="25 unless given.")] = UNSET
    breakdown_group_type_index: Number = UNSET
    breakdown_normalize_url: Flag = UNSET
    breakdown_attribution_type: Annotated[
        Text, Meta(description="first_touch, last_touch, all_events or step.")
    ] = UNSET
    breakdown_attribution_value: Annotated[
        Number, Meta(description="The step, from 0, with type `step`.")
    ] = UNSET
    funnel_window_interval: Annotated[Number, Meta(description="14 unless given.")] = UNSET
    funnel_window_interval_unit: Annotated[
        Text, Meta(description="second, minute, hour, day, week or month.")
    ] = UNSET
    funnel_window_days: Annotated[Number, Meta(description="The deprecated way to say it.")] = UNSET
    funnel_viz_type: Annotated[Text, Meta(description="steps, trends or time_to_convert.")] = UNSET
    funnel_order_type: Annotated[Text, Meta(description="ordered, strict or unordered.")] = UNSET
    funnel_from_step: Annotated[Number, Meta(description="From 0; trends, time_to_convert.")] = (
        UNSET
    )
    funnel_to_step: Annotated[Number, Meta(description="From 0; trends, time_to_convert.")] = UNSET
    bin_count: Annotated[Number, Meta(description="Of time_to_convert; 0: automatic.")] = UNSET
    aggregation_group_type_index: Annotated[
        Number, Meta(description="Count groups of this type, not persons.")
    ] = UNSET
    funnel_aggregate_by_hogql: Annotated[
        Text, Meta(description="Count values of this expression.")
    ] = UNSET
    sampling_factor: Annotated[
        float | str | UnsetType | None, Meta(description="Above 0, up to 1.")
    ] = UNSET


class RunFunnel(FunnelFilter, frozen=True, kw_only=True):
    """A funnel filter, and how it is to be computed."""

    refresh: Annotated[Flag, Meta(description="true recomputes; else a refresh mode.")] = UNSET
    client_query_id: Annotated[
        Text, Meta(description="The client's name for the run: insights/cancel/ takes it.")
    ] = UNSET
    include: Annotated[
        list[Literal["pending", "baseline", "warnings"]] | str | UnsetType | None,
        Meta(description="More than PostHog tells: pending, baseline, warnings."),
    ] = UNSET


class FunnelPeople(FunnelFilter, frozen=True, kw_only=True):
    """A funnel filter, and which of its numbers is meant."""

    funnel_step: Annotated[
        Number, Meta(description="From 1; negative: those who dropped off before it.")
    ] = UNSET
    funnel_custom_steps: Annotated[
        Several, Meta(description="Instead: those whose last step is one of these.")
    ] = UNSET
    funnel_step_breakdown: Annotated[
        str | int | list[Any] | UnsetType | None, Meta(description="The breakdown's value.")
    ] = UNSET
    entrance_period_start: Annotated[Text, Meta(description="Of trends: the period.")] = UNSET
    drop_off: Annotated[Flag, Meta(description="Of trends: who did not convert.")] = UNSET
    funnel_conversion_time_from: Annotated[
        float | str | UnsetType | None, Meta(description="Of a bin, in seconds.")
    ] = UNSET
    funnel_conversion_time_to: Annotated[
        float | str | UnsetType | None, Meta(description="Of a bin, in seconds.")
    ] = UNSET
    search: Annotated[
        Text, Meta(description="Part of a name, an email, a distinct id or a group's key.")
    ] = UNSET
    limit: Number = UNSET
    offset: Number = UNSET
