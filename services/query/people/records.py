"""Records of actors, from PostgreSQL: one round trip for a page of them."""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.api.people import GroupActor, PersonActor
from services.common.database import Pool

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

_GROUPS = """
    SELECT group_key, properties, created_at FROM groups
    WHERE team_id = %(team_id)s AND group_type_index = %(index)s AND group_key = ANY(%(keys)s)"""

# PostHog: PERSON_DEFAULT_DISPLAY_NAME_PROPERTIES, in this order.
_NAMES = ("email", "Email", "name", "Name", "username", "Username", "UserName")
# PostHog: a distinct id like a UUID was made up by an SDK, and says nothing to people.
_ANONYMOUS = re.compile(r"([a-z0-9]+-){4}[a-z0-9]+")


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
            created_at=created_at,
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
            created_at=created_at,
            properties=Raw(properties.encode()),
        )
    return found


def display_name(id_: UUID, properties: Mapping[str, object], distinct_ids: Sequence[str]) -> str:
    """The first telling property, else a distinct id that somebody chose, else any, else the id."""
    for name in _NAMES:
        value = properties.get(name)
        if isinstance(value, str | int | float) and value not in ("", False):
            return str(value)
    telling = sorted(distinct_ids, key=lambda one: _ANONYMOUS.fullmatch(one) is not None)
    return telling[0] if telling else str(id_)
