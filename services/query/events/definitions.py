"""The names of a project's events and properties, read off the captured events themselves."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from uuid import UUID, uuid5

import msgspec

from contracts.api.definitions import EventDefinition, PropertyDefinition, PropertyType
from contracts.api.times import written
from contracts.product_events import key_of_column
from services.common.clickhouse import Shards
from services.common.clickhouse.statement import Statement

Owner = Literal["event", "person", "group", "session"]
OWNERS: Final[tuple[Owner, ...]] = ("event", "person", "group", "session")

# PostHog: EVENTS_HIDDEN_PROPERTY_DEFINITIONS. Nobody is to ask for these of an event: they say what
# becomes of the person or the group, or repeat what is known of a session.
_HIDDEN: Final = frozenset(
    {
        "distinct_id",
        "$set",
        "$set_once",
        "$initial_referrer",
        "$initial_referring_domain",
        "$groups",
        "$group_type",
        "$group_key",
        "$group_set",
        *(f"$group_{index}" for index in range(5)),
    }
)
_HIDDEN_PREFIX: Final = "$session_entry_"

# Names what has a name alone: the same in every answer, and another one in every project.
_IDS: Final = UUID("4d3f1f0a-3d0e-4b83-9b5e-6f7f0c1f6b52")

# The newest day first, and within a day by name: an event that goes on happening keeps its place
# on the pages of a client that reads them one after the other.
_EVENTS: Final = """
    SELECT event, min(inserted_at), max(timestamp) AS newest
    FROM events
    WHERE team_id = {team_id:Int64}"""
_BY_DAY: Final = """
    GROUP BY event
    ORDER BY toDate(newest) DESC, event"""
_EVENT_PATHS: Final = """
    SELECT distinctJSONPathsAndTypes(properties)
    FROM events
    WHERE team_id = {team_id:Int64}"""
_NAMED: Final = """
    AND event IN {events:Array(String)}"""
_PERSON_PATHS: Final = """
    SELECT distinctJSONPathsAndTypes(properties)
    FROM persons FINAL
    WHERE team_id = {team_id:Int64} AND NOT deleted"""
_GROUP_PATHS: Final = """
    SELECT distinctJSONPathsAndTypes(properties)
    FROM groups FINAL
    WHERE team_id = {team_id:Int64} AND group_type_index = {index:UInt8}"""


class Properties(msgspec.Struct, frozen=True, kw_only=True):
    """A choice of properties.

    events: whose; all when None. seen_only: without those that none of `events` has. group: the
    index of its type. names: these alone. core: with PostHog's own, whose names begin with `$`.
    """

    owner: Owner = "event"
    events: tuple[str, ...] | None = None
    seen_only: bool = False
    group: int = 0
    search: str = ""
    names: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    core: bool = True
    numerical: bool | None = None


_EVERYBODYS: Final = (
    Properties(),
    Properties(owner="person"),
    *(Properties(owner="group", group=index) for index in range(5)),
)


class Definitions:
    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    async def events(self, team_id: int, search: str) -> list[EventDefinition]:
        """The events whose name has every word of `search`. Raises EngineError."""
        found = await self._events(_EVENTS + _BY_DAY, team_id=team_id)
        return [each for each in found if _has(each.name, search)]

    async def event(self, team_id: int, wanted: str | UUID) -> EventDefinition | None:
        """By its whole name or by its id. Raises EngineError."""
        if isinstance(wanted, UUID):
            found = await self.events(team_id, "")
            return next((each for each in found if each.id == wanted), None)
        found = await self._events(_EVENTS + _NAMED + _BY_DAY, team_id=team_id, events=[wanted])
        return found[0] if found else None

    async def _events(self, text: str, *, team_id: int, **bound: object) -> list[EventDefinition]:
        clickhouse = await self._shards.of(team_id)
        rows = await clickhouse.query(Statement(text, {"team_id": team_id, **bound}))
        return [
            EventDefinition(
                id=_id(team_id, "event", name),
                name=name,
                created_at=written(first),
                last_seen_at=written(newest),
            )
            for name, first, newest in rows
        ]

    async def properties(self, team_id: int, asked: Properties) -> list[PropertyDefinition]:
        """By name. Raises EngineError."""
        everywhere, seen = await self._types(team_id, asked)
        found = [
            PropertyDefinition(
                id=_id(team_id, asked.owner, name),
                name=name,
                property_type=kind,
                is_numerical=kind == "Numeric",
                is_seen_on_filtered_events=None if seen is None else name in seen,
            )
            for name, kind in sorted(everywhere.items())
        ]
        return [each for each in found if _wanted(each, asked) and not _hidden(each.name, asked)]

    async def property(self, team_id: int, wanted: UUID) -> PropertyDefinition | None:
        """The property, of whichever events it is. Raises EngineError."""
        for asked in _EVERYBODYS:
            for each in await self.properties(team_id, asked):
                if each.id == wanted:
                    return each
        return None

    async def _types(
        self, team_id: int, asked: Properties
    ) -> tuple[Mapping[str, PropertyType], Mapping[str, PropertyType] | None]:
        """Of all properties that may be shown, and of those that the named events have."""
        match asked.owner:
            case "event":
                seen = None
                if asked.events is not None:
                    seen = await self._read(
                        _EVENT_PATHS + _NAMED, team_id=team_id, events=list(asked.events)
                    )
                    if asked.seen_only:
                        return seen, seen
                return await self._read(_EVENT_PATHS, team_id=team_id), seen
            case "person":
                return await self._read(_PERSON_PATHS, team_id=team_id), None
            case "group":
                return await self._read(_GROUP_PATHS, team_id=team_id, index=asked.group), None
            case "session":
                return {}, None

    async def _read(
        self, text: str, *, team_id: int, **bound: object
    ) -> Mapping[str, PropertyType]:
        clickhouse = await self._shards.of(team_id)
        ((paths,),) = await clickhouse.query(Statement(text, {"team_id": team_id, **bound}))
        return {key_of_column(path): _type(types) for path, types in paths.items()}


def _type(types: Sequence[str]) -> PropertyType:
    """Of the engine's types of all values; what is of several sorts is compared as text."""
    if all(each.startswith(("Int", "UInt", "Float")) for each in types):
        return "Numeric"
    return "Boolean" if all(each == "Bool" for each in types) else "String"


def _wanted(found: PropertyDefinition, asked: Properties) -> bool:
    return (
        _has(found.name, asked.search)
        and (asked.names is None or found.name in asked.names)
        and found.name not in asked.excluded
        and (asked.core or not found.name.startswith("$"))
        and asked.numerical in (None, found.is_numerical)
    )


def _hidden(name: str, asked: Properties) -> bool:
    return asked.owner == "event" and (name in _HIDDEN or name.startswith(_HIDDEN_PREFIX))


def _has(name: str, search: str) -> bool:
    folded = name.casefold()
    return all(word in folded for word in search.casefold().split())


def _id(team_id: int, owner: str, name: str) -> UUID:
    return uuid5(_IDS, f"{team_id}/{owner}/{name}")
