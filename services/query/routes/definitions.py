"""Names of events and properties: tools ask for them before they write a query."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.accounts import Page
from contracts.api.definitions import EventDefinition, PropertyDefinition
from services.common.http.caller import Caller
from services.common.http.operations import tells
from services.common.http.paths import project_paths
from services.common.http.problems import invalid, not_a_choice, not_found
from services.common.http.request import AnyRequest
from services.query.events.definitions import OWNERS, Definitions, Owner, Properties
from services.query.http import described
from services.query.http.answers import plain
from services.query.http.paging import listed
from services.query.http.parameters import flag, number, text

EVENTS = {"scopes": ("event_definition:read",)}
PROPERTIES = {"scopes": ("property_definition:read",)}
HIGHEST_GROUP = 4

_names = msgspec.json.Decoder(list[str])


@get(
    project_paths("/event_definitions/"),
    opt={**EVENTS, **tells(Page[EventDefinition], *described.EVENT_DEFINITIONS)},
)
async def list_event_definitions(
    request: AnyRequest, definitions: NamedDependency[Definitions], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """The names of the events that were captured, those of the newest day first, then by name."""
    found = await definitions.events(caller.team_id, text(request, "search") or "")
    return plain(request, msgspec.json.encode(listed(request, _by_day(found), tuple[int, str])))


@get(
    project_paths("/event_definitions/by_name/"),
    opt={**EVENTS, **tells(EventDefinition, *described.EVENT_DEFINITION)},
)
async def get_event_definition_by_name(
    request: AnyRequest, definitions: NamedDependency[Definitions], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """The event of exactly this name."""
    name = text(request, "name")
    if not name:
        raise invalid("name", "required", "Query parameter 'name' is required")
    found = await definitions.event(caller.team_id, name)
    return _one(request, found, f"Event definition with name '{name}' not found")


@get(
    project_paths("/event_definitions/{definition:uuid}/"),
    opt={**EVENTS, **tells(EventDefinition)},
)
async def get_event_definition(
    request: AnyRequest,
    definitions: NamedDependency[Definitions],
    caller: NamedDependency[Caller],
    definition: FromPath[UUID],
) -> Response[bytes]:
    """One event name."""
    return _one(request, await definitions.event(caller.team_id, definition))


@get(
    project_paths("/property_definitions/"),
    opt={**PROPERTIES, **tells(Page[PropertyDefinition], *described.PROPERTY_DEFINITIONS)},
)
async def list_property_definitions(
    request: AnyRequest, definitions: NamedDependency[Definitions], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """The names of the properties of events, persons or groups, in alphabetical order."""
    found = await definitions.properties(caller.team_id, _asked(request))
    by_name = [((each.name,), each) for each in found]
    return plain(request, msgspec.json.encode(listed(request, by_name, tuple[str])))


@get(
    project_paths("/property_definitions/{definition:uuid}/"),
    opt={**PROPERTIES, **tells(PropertyDefinition)},
)
async def get_property_definition(
    request: AnyRequest,
    definitions: NamedDependency[Definitions],
    caller: NamedDependency[Caller],
    definition: FromPath[UUID],
) -> Response[bytes]:
    """One property, of events, persons or groups."""
    return _one(request, await definitions.property(caller.team_id, definition))


def _by_day(found: Sequence[EventDefinition]) -> list[tuple[tuple[int, str], EventDefinition]]:
    """Each with what they are ordered by: the newest day first, then by name."""
    return [
        ((-date.fromisoformat(each.last_seen_at[:10]).toordinal(), each.name), each)
        for each in found
    ]


def _one(
    request: AnyRequest,
    found: EventDefinition | PropertyDefinition | None,
    missing: str = "Not found.",
) -> Response[bytes]:
    if found is None:
        raise not_found(missing)
    return plain(request, msgspec.json.encode(found))


def _asked(request: AnyRequest) -> Properties:
    numerical = text(request, "is_numerical")
    names = [name for name in (text(request, "properties") or "").split(",") if name]
    events = _list(request, "event_names")
    return Properties(
        owner=_owner(text(request, "type")),
        events=tuple(events) if events else None,
        seen_only=flag(request, "filter_by_event_names"),
        group=number(request, "group_type_index", 0, least=0, most=HIGHEST_GROUP),
        search=text(request, "search") or "",
        names=frozenset(names) if names else None,
        excluded=frozenset(_list(request, "excluded_properties")),
        core=not flag(request, "exclude_core_properties"),
        numerical=None if not numerical else flag(request, "is_numerical"),
    )


def _owner(sent: str | None) -> Owner:
    for owner in OWNERS:
        if owner == (sent or "event"):
            return owner
    raise not_a_choice("type", sent)


def _list(request: AnyRequest, name: str) -> list[str]:
    """JSON; what is none is the one name, repeated for each: so do clients that never read it."""
    sent = text(request, name)
    if not sent:
        return []
    try:
        return _names.decode(sent)
    except msgspec.DecodeError:
        values: list[Any] = request.query_params.getall(name)
        return [str(value) for value in values]


HANDLERS = [
    list_event_definitions,
    get_event_definition_by_name,
    get_event_definition,
    list_property_definitions,
    get_property_definition,
]
