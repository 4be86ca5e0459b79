"""Records of actors, from PostgreSQL: one round trip for a page of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, assert_never
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.api.people import AnyActor, GroupActor, PersonActor, ValueActor
from contracts.api.times import written
from services.common.postgres.database import Pool
from services.query.events import actors

# Nobody reads more ids of one person, and a broken client can give somebody millions.
_MOST_IDS = 1_000

# A merge that the engine has not heard of yet is applied here.
_PERSONS = f"""
    SELECT asked.id, p.person_id, p.properties, p.is_identified, p.created_at, ARRAY(
        SELECT d.distinct_id FROM person_distinct_ids d
        WHERE d.team_id = p.team_id AND d.person_id = p.person_id
        ORDER BY d.version, d.distinct_id LIMIT {_MOST_IDS}
    )
    FROM unnest(%(ids)s::uuid[]) AS asked(id)
    LEFT JOIN person_overrides o ON o.team_id = %(team_id)s AND o.person_id = asked.id
    JOIN persons p ON p.team_id = %(team_id)s AND p.person_id = coalesce(o.target_id, asked.id)"""

# An actor has an id even when no record of it was read.
_FIND = """
    SELECT coalesce(
        (SELECT o.target_id FROM person_overrides o
            WHERE o.team_id = %(team_id)s AND o.person_id = %(id)s::uuid),
        (SELECT p.person_id FROM persons p
            WHERE p.team_id = %(team_id)s AND p.person_id = %(id)s::uuid),
        (SELECT d.person_id FROM person_distinct_ids d
            WHERE d.team_id = %(team_id)s AND d.distinct_id = %(name)s),
        %(id)s::uuid
    )"""

# Text is read by `json`, which takes numbers of any size. An actor without a record comes last.
_SORTED = """
    SELECT asked.id::text
    FROM unnest(%(ids)s::uuid[]) AS asked(id)
    LEFT JOIN person_overrides o ON o.team_id = %(team_id)s AND o.person_id = asked.id
    LEFT JOIN persons p
        ON p.team_id = %(team_id)s AND p.person_id = coalesce(o.target_id, asked.id)
    WHERE %(search)s::text IS NULL
        OR asked.id::text = lower(%(search)s)
        OR EXISTS (
            SELECT FROM json_each_text(p.properties::json) AS of(name, value)
            WHERE of.name = ANY(%(names)s) AND strpos(lower(of.value), lower(%(search)s)) > 0
        )
        OR EXISTS (
            SELECT FROM person_distinct_ids d
            WHERE d.team_id = p.team_id AND d.person_id = p.person_id
                AND strpos(lower(d.distinct_id), lower(%(search)s)) > 0
        )
    ORDER BY
        CASE WHEN %(field)s = 'created_at' AND NOT %(descending)s THEN p.created_at END NULLS LAST,
        CASE WHEN %(field)s = 'created_at' AND %(descending)s THEN p.created_at END DESC NULLS LAST,
        CASE WHEN %(field)s = 'id' AND %(descending)s THEN asked.id END DESC,
        asked.id"""

_GROUPS = """
    SELECT group_key, properties, created_at FROM groups
    WHERE team_id = %(team_id)s AND group_type_index = %(index)s AND group_key = ANY(%(keys)s)"""

# PostHog: PERSON_DEFAULT_DISPLAY_NAME_PROPERTIES, in this order.
_NAMES = ("email", "Email", "name", "Name", "username", "Username", "UserName")
# PostHog: a distinct id like a UUID was made up by an SDK, and says nothing to people.
_ANONYMOUS = re.compile(r"([a-z0-9]+-){4}[a-z0-9]+")


class RecordOrder(msgspec.Struct, frozen=True):
    """event_count: of people with counted events, whom records say nothing about.

    search: part of a name, an email or a distinct id, whatever its case; or a whole id."""

    field: Literal["id", "created_at", "event_count"] = "id"
    descending: bool = False
    search: str | None = None


async def of_actors(
    pool: Pool, team_id: int, actor: actors.AnyActor, ids: Sequence[str]
) -> dict[str, AnyActor]:
    """By id, of whichever kind; persons without a record are left out."""
    match actor:
        case actors.PersonActor():
            return {**await persons(pool, team_id, ids)}
        case actors.GroupActor(index=index):
            return {**await groups(pool, team_id, index, ids)}
        case actors.ExpressionActor():
            return {id_: ValueActor(id=id_, name=id_) for id_ in ids}
        case _:
            assert_never(actor)


async def sorted_actors(
    pool: Pool, team_id: int, actor: actors.AnyActor, ids: Sequence[str], by: RecordOrder
) -> list[str]:
    """The ids that the search finds, in the order asked for."""
    if isinstance(actor, actors.PersonActor):
        return await sorted_persons(pool, team_id, ids, by)
    bodies = await of_actors(pool, team_id, actor, ids)
    return sorted_others(list(bodies.values()), by)


async def sorted_persons(
    pool: Pool, team_id: int, ids: Sequence[str], by: RecordOrder
) -> list[str]:
    """The ids that the search finds, in this order."""
    parameters = {
        "ids": list(ids),
        "team_id": team_id,
        "names": list(_NAMES),
        **msgspec.structs.asdict(by),
    }
    async with pool.connection() as conn:
        cursor = await conn.execute(_SORTED, parameters)
        return [id_ for (id_,) in await cursor.fetchall()]


def sorted_others(actors: Iterable[AnyActor], by: RecordOrder) -> list[str]:
    """The same for groups and values, which are few. A group without a description comes last."""
    wanted = (by.search or "").casefold()
    found = sorted(
        (one for one in actors if wanted in f"{one.id}\n{one.name}".casefold()),
        key=lambda one: str(one.id),
        reverse=by.field == "id" and by.descending,
    )
    if by.field == "created_at":
        dated = [one for one in found if one.created_at is not None]
        dated.sort(key=lambda one: str(one.created_at), reverse=by.descending)
        found = [*dated, *(one for one in found if one.created_at is None)]
    return [str(one.id) for one in found]


async def person_id(pool: Pool, team_id: int, sent: str) -> str | None:
    """Of a person's id, a merged one's too, or of a distinct id. None: no person has it."""
    try:
        id_ = UUID(sent)
    except ValueError:
        id_ = None
    async with pool.connection() as conn:
        cursor = await conn.execute(_FIND, {"team_id": team_id, "id": id_, "name": sent})
        row = await cursor.fetchone()
    return None if row is None or row[0] is None else str(row[0])


async def persons(pool: Pool, team_id: int, ids: Sequence[str]) -> dict[str, PersonActor]:
    """By the id asked for; those without a record are left out."""
    async with pool.connection() as conn:
        cursor = await conn.execute(_PERSONS, {"team_id": team_id, "ids": list(ids)})
        rows = await cursor.fetchall()
    return {
        str(asked): PersonActor(
            id=id_,
            uuid=id_,
            name=display_name(id_, msgspec.json.decode(properties), distinct_ids),
            distinct_ids=distinct_ids,
            is_identified=is_identified,
            created_at=written(created_at),
            properties=Raw(properties.encode()),
        )
        for asked, id_, properties, is_identified, created_at, distinct_ids in rows
    }


async def groups(
    pool: Pool, team_id: int, index: int, keys: Sequence[str]
) -> dict[str, GroupActor]:
    """By key, every one: a group is there as soon as an event names it."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            _GROUPS, {"team_id": team_id, "index": index, "keys": list(keys)}
        )
        rows = await cursor.fetchall()
    described = {key: (properties, created_at) for key, properties, created_at in rows}
    found = {}
    for key in keys:
        properties, created_at = described.get(key, ("{}", None))
        name = msgspec.json.decode(properties).get("name")
        found[key] = GroupActor(
            id=key,
            group_key=key,
            group_type_index=index,
            name=name if isinstance(name, str) and name else key,
            created_at=written(created_at),
            properties=Raw(properties.encode()),
        )
    return found


def display_name(id_: UUID, properties: Mapping[str, object], distinct_ids: Sequence[str]) -> str:
    """The first telling property, else a distinct id that a client chose, else any, else the id."""
    for name in _NAMES:
        value = properties.get(name)
        if isinstance(value, str | int | float) and value not in ("", False):
            return str(value)
    telling = sorted(distinct_ids, key=lambda one: _ANONYMOUS.fullmatch(one) is not None)
    return telling[0] if telling else str(id_)
