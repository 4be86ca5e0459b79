"""Groups of a project: five numbered types, and properties per group."""

from collections.abc import Iterable, Mapping

import msgspec

from contracts.product_events import CapturedEvent, JsonObject, canonical_text, property_texts
from contracts.times import microseconds, moment
from services.common.clickhouse import ClickHouse
from services.projector.product_events.person_tables import Conn

MAX_TYPES = 5

GroupKey = tuple[int, int, str]
"""team_id, group_type_index, group_key."""


class Group(msgspec.Struct, frozen=True):
    """created_at: microseconds since 1970."""

    properties: JsonObject
    created_at: int


class Types:
    """The numbers of group types, given as they appear; a sixth type gets none."""

    def __init__(self, known: Mapping[tuple[int, str], int]) -> None:
        self._known = dict(known)
        self._counts: dict[int, int] = {}
        for team_id, _ in known:
            self._counts[team_id] = self._counts.get(team_id, 0) + 1
        self.new: dict[tuple[int, str], int] = {}

    def index(self, team_id: int, group_type: str) -> int | None:
        """Also makes the type known, if there is room."""
        found = self._known.get((team_id, group_type))
        if found is not None:
            return found
        index = self._counts.get(team_id, 0)
        if index >= MAX_TYPES:
            return None
        self._known[team_id, group_type] = self.new[team_id, group_type] = index
        self._counts[team_id] = index + 1
        return index

    def keys(self, team_id: int, event: CapturedEvent) -> list[str]:
        """The values of the event's columns group_0 … group_4.

        A type that the event describes ($groupidentify) is numbered here, too: `changed_groups`
        sees it only after all events of the batch, and an SDK sends it first in the same one.
        """
        if event.group is not None:
            self.index(team_id, event.group.group_type)
        keys = [""] * MAX_TYPES
        for group_type, key in event.groups.items():
            index = self.index(team_id, group_type)
            if index is not None:
                keys[index] = key
        return keys


def changed_groups(
    events: Iterable[tuple[int, CapturedEvent]], types: Types, known: Mapping[GroupKey, Group]
) -> dict[GroupKey, Group]:
    """Groups as they are after these events; only those that $groupidentify named."""
    groups: dict[GroupKey, Group] = {}
    for team_id, event in events:
        if event.group is None:
            continue
        index = types.index(team_id, event.group.group_type)
        if index is None:
            continue
        key = (team_id, index, event.group.group_key)
        before = groups.get(key) or known.get(key) or Group({}, event.timestamp)
        groups[key] = Group({**before.properties, **event.group.set}, before.created_at)
    return groups


async def load_types(conn: Conn, team_ids: Iterable[int]) -> Types:
    cursor = await conn.execute(
        "SELECT team_id, group_type, group_type_index FROM group_types WHERE team_id = ANY(%s)",
        (list(team_ids),),
    )
    return Types({(team_id, name): index async for team_id, name, index in cursor})


async def save_types(conn: Conn, types: Types) -> None:
    for (team_id, name), index in types.new.items():
        await conn.execute(
            "INSERT INTO group_types (team_id, group_type, group_type_index) VALUES (%s, %s, %s)",
            (team_id, name, index),
        )


async def load(conn: Conn, keys: Iterable[GroupKey]) -> dict[GroupKey, Group]:
    asked = list(keys)
    cursor = await conn.execute(
        "SELECT g.team_id, g.group_type_index, g.group_key, g.properties, g.created_at"
        " FROM unnest(%s::bigint[], %s::smallint[], %s::text[])"
        " AS asked (team_id, group_type_index, group_key)"
        " JOIN groups g USING (team_id, group_type_index, group_key)",
        ([k[0] for k in asked], [k[1] for k in asked], [k[2] for k in asked]),
    )
    return {
        (team_id, index, key): Group(
            msgspec.json.decode(properties, type=JsonObject), microseconds(created_at)
        )
        async for team_id, index, key, properties, created_at in cursor
    }


async def save(conn: Conn, groups: Mapping[GroupKey, Group], version: int) -> None:
    for (team_id, index, key), group in groups.items():
        await conn.execute(
            "INSERT INTO groups"
            " (team_id, group_type_index, group_key, properties, created_at, version)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (team_id, group_type_index, group_key) DO UPDATE"
            " SET properties = excluded.properties, version = excluded.version",
            (
                team_id,
                index,
                key,
                canonical_text(group.properties),
                moment(group.created_at),
                version,
            ),
        )


async def mirror(clickhouse: ClickHouse, groups: Mapping[GroupKey, Group], version: int) -> None:
    """Copy to ClickHouse. Safe to repeat: a row replaces the one with the same key and version."""
    if not groups:
        return
    texts = [property_texts(group.properties) for group in groups.values()]
    await clickhouse.insert(
        "groups",
        {
            "team_id": [key[0] for key in groups],
            "group_type_index": [key[1] for key in groups],
            "group_key": [key[2] for key in groups],
            "properties": [column for column, _ in texts],
            "sent": [sent or column for column, sent in texts],
            "created_at": [group.created_at for group in groups.values()],
            "version": [version] * len(groups),
        },
    )
