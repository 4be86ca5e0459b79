"""Legacy filters of correlation and of the people behind a number (funnels.md sections 9, 10)."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from contracts.queries import properties
from contracts.queries.entities import entity_node
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.legacy import convert
from contracts.queries.loose import Filters, Json, boolean, integer, json_value, number, text
from contracts.queries.nodes import (
    FunnelCorrelationActorsQuery,
    FunnelCorrelationQuery,
    FunnelsActorsQuery,
)

CorrelationType = Literal["events", "properties", "event_with_properties"]
_TYPES: tuple[CorrelationType, ...] = ("events", "properties", "event_with_properties")
NO_DROP_OFF = (
    "The first valid drop-off argument for funnelStep is -2. -2 refers to persons who performed "
    "the first step but never made it to the second."
)


def convert_correlation(filters: Filters) -> FunnelCorrelationQuery:
    """Raises InvalidQuery where a value cannot be read or names that the type needs are missing."""
    kind = text(filters, "funnel_correlation_type") or "events"
    query = FunnelCorrelationQuery(
        source=FunnelsActorsQuery(source=convert(filters), funnelStep=1),
        funnelCorrelationType=_one_of(kind, _TYPES, "funnel_correlation_type"),
        funnelCorrelationNames=_names(filters, "funnel_correlation_names"),
        funnelCorrelationExcludeNames=_names(filters, "funnel_correlation_exclude_names"),
        funnelCorrelationExcludeEventNames=_names(
            filters, "funnel_correlation_exclude_event_names"
        ),
        funnelCorrelationEventNames=_names(filters, "funnel_correlation_event_names"),
        funnelCorrelationEventExcludePropertyNames=_names(
            filters, "funnel_correlation_event_exclude_property_names"
        ),
    )
    check_correlation(query)
    return query


def check_correlation(query: FunnelCorrelationQuery) -> None:
    """Raises InvalidQuery when the names that the type needs are missing."""
    if query.funnelCorrelationType == "properties" and not query.funnelCorrelationNames:
        raise invalid_input(
            None, "Property Correlation expects atleast one Property to run correlation on"
        )
    if (
        query.funnelCorrelationType == "event_with_properties"
        and not query.funnelCorrelationEventNames
    ):
        raise invalid_input(
            None, "Event Property Correlation expects atleast one event name to run correlation on"
        )


def convert_people(filters: Filters) -> FunnelsActorsQuery:
    """The filter of `persons/funnel/`. Raises InvalidQuery.

    A funnel of type trends names a period and drop_off, one of time to convert a step or the bounds
    of a bin, every other one a step.
    """
    source = convert(filters)
    query = FunnelsActorsQuery(
        source=source,
        funnelStep=integer(filters, "funnel_step"),
        funnelCustomSteps=_custom_steps(filters),
        funnelStepBreakdown=_breakdown(filters),
        funnelTrendsDropOff=boolean(filters, "drop_off"),
        funnelTrendsEntrancePeriodStart=text(filters, "entrance_period_start"),
        funnelConversionTimeFrom=integer(filters, "funnel_conversion_time_from"),
        funnelConversionTimeTo=integer(filters, "funnel_conversion_time_to"),
        includeRecordings=boolean(filters, "include_recordings"),
    )
    check_people(query)
    return query


def check_people(query: FunnelsActorsQuery) -> None:
    """Raises InvalidQuery unless the query says whom it means."""
    viz = query.source.funnel.funnelVizType
    if viz == "trends":
        if query.funnelTrendsEntrancePeriodStart is None:
            raise InvalidQuery("entrance_period_start", "required", "This field is required.")
        if query.funnelTrendsDropOff is None:
            raise InvalidQuery("drop_off", "required", "This field is required.")
    elif query.funnelCustomSteps or (viz == "time_to_convert" and _names_a_bin(query)):
        pass
    elif query.funnelStep is None:
        raise InvalidQuery("funnel_step", "required", "This field is required.")
    elif query.funnelStep in (0, -1):
        raise invalid_input("funnel_step", NO_DROP_OFF)


def _custom_steps(filters: Filters) -> tuple[int, ...] | None:
    sent = json_value(filters, "funnel_custom_steps")
    if sent is None:
        return None
    steps = [number(one) for one in sent] if isinstance(sent, list | tuple) else [None]
    if any(step is None or not step.is_integer() for step in steps):
        raise invalid_input("funnel_custom_steps", "funnel_custom_steps is a list of numbers.")
    return tuple(int(step) for step in steps if step is not None)


def _names_a_bin(query: FunnelsActorsQuery) -> bool:
    """Raises InvalidQuery when only one of its bounds is there."""
    bounds = {
        "funnel_conversion_time_from": query.funnelConversionTimeFrom,
        "funnel_conversion_time_to": query.funnelConversionTimeTo,
    }
    missing = [name for name, seconds in bounds.items() if seconds is None]
    if len(missing) == 1:
        raise InvalidQuery(missing[0], "required", "This field is required.")
    return not missing


def convert_correlation_people(filters: Filters) -> FunnelCorrelationActorsQuery:
    """The filter of `persons/funnel/correlation/`. Raises InvalidQuery."""
    source = convert_correlation(filters)
    entity = json_value(filters, "funnel_correlation_person_entity")
    if entity is not None and not isinstance(entity, Mapping):
        raise invalid_input("funnel_correlation_person_entity", "An entity is an object.")
    if source.funnelCorrelationType != "properties" and not entity:
        raise invalid_input(None, "No entity for persons specified")
    values = json_value(filters, "funnel_correlation_property_values")
    tree = properties.read(values, "funnel_correlation_property_values")
    return FunnelCorrelationActorsQuery(
        source=source,
        funnelCorrelationPersonConverted=boolean(filters, "funnel_correlation_person_converted"),
        funnelCorrelationPersonEntity=entity_node(entity) if entity else None,
        funnelCorrelationPropertyValues=[properties.wire(part) for part in tree.values] or None,
        includeRecordings=boolean(filters, "include_recordings"),
    )


_Choice = TypeVar("_Choice", bound=str)


def _one_of(sent: str, known: tuple[_Choice, ...], attr: str) -> _Choice:
    for one in known:
        if one == sent:
            return one
    raise invalid_input(attr, f'"{sent[:100]}" is not a valid choice.')


def _names(filters: Filters, name: str) -> tuple[str, ...] | None:
    """A list of names, as it is or as JSON text; a bare name is a list of one."""
    sent = json_value(filters, name, plain_text=True)
    if sent is None:
        return None
    if isinstance(sent, str):
        return (sent,)
    if not isinstance(sent, list | tuple) or not all(isinstance(one, str) for one in sent):
        raise invalid_input(name, f"{name} is a list of names.")
    return tuple(sent)


def _breakdown(filters: Filters) -> str | int | float | tuple[str | int | float, ...] | None:
    """A row's breakdown_value: a list (JSON), a text, or a cohort's id. "" is a value."""
    sent = filters.get("funnel_step_breakdown")
    if sent == "":
        return ""
    read: Json = json_value(filters, "funnel_step_breakdown", plain_text=True)
    if isinstance(read, list | tuple):
        return tuple(one for one in read if isinstance(one, str | int | float))
    return read if isinstance(read, str | int | float) else None
