"""Bodies of the correlation endpoints: a funnel filter, and what goes along with converting."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from contracts.api.funnel_filters import Flag, FunnelFilter, Number, Text

Names = list[str] | str | UnsetType | None


class CorrelationFilter(FunnelFilter, frozen=True, kw_only=True):
    funnel_correlation_type: Annotated[
        Text, Meta(description="events, properties or event_with_properties.")
    ] = UNSET
    funnel_correlation_names: Annotated[
        Names, Meta(description='Of properties: which; ["$all"]: every one.')
    ] = UNSET
    funnel_correlation_exclude_names: Annotated[
        Names, Meta(description="Of properties: which not.")
    ] = UNSET
    funnel_correlation_exclude_event_names: Annotated[
        Names, Meta(description="Of events: which not.")
    ] = UNSET
    funnel_correlation_event_names: Annotated[
        Names, Meta(description="Of event_with_properties: the events.")
    ] = UNSET
    funnel_correlation_event_exclude_property_names: Annotated[
        Names, Meta(description="Of event_with_properties: which properties not.")
    ] = UNSET


class RunCorrelation(CorrelationFilter, frozen=True, kw_only=True):
    """A correlation filter, with the options of its computation and of its answer."""

    refresh: Annotated[Flag, Meta(description="true recomputes; else a refresh mode.")] = UNSET
    client_query_id: Annotated[
        Text, Meta(description="The client's name for the run: insights/cancel/ takes it.")
    ] = UNSET
    include: Annotated[
        list[Literal["p_value"]] | str | UnsetType | None,
        Meta(description="More than PostHog tells: p_value."),
    ] = UNSET


class CorrelationPeople(CorrelationFilter, frozen=True, kw_only=True):
    """A correlation filter, and which of its numbers is meant."""

    funnel_correlation_person_converted: Annotated[
        Flag, Meta(description="true: who converted; false: who did not; absent: both.")
    ] = UNSET
    funnel_correlation_person_entity: Annotated[
        dict[str, Any] | str | UnsetType | None,
        Meta(description="The event that they have, with filters on its properties."),
    ] = UNSET
    funnel_correlation_property_values: Annotated[
        list[dict[str, Any]] | str | UnsetType | None,
        Meta(description="Of properties: filters on the person or group."),
    ] = UNSET
    funnel_correlation_person_limit: Number = UNSET
    funnel_correlation_person_offset: Number = UNSET
