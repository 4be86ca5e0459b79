"""What the things and people of entries are called today, looked up for a page at once."""

import importlib.metadata
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import LiteralString
from uuid import UUID

import msgspec

from contracts.chain import Entry
from contracts.events.access import Grantee
from contracts.events.recorded import Actor, UserActor
from contracts.events.streams import StreamKind
from contracts.ocsf.base import Names, Person, Thing
from contracts.reads import StoredRead, UserReader
from services.common.accounts.accounts import Accounts
from services.common.postgres.database import Pool

_NAMES: LiteralString = """
    SELECT 'insight', insight_id, coalesce(row->>'name', row->>'derived_name'), short_id
    FROM insights WHERE team_id = %(chain)s AND insight_id = ANY(%(insight)s)
    UNION ALL SELECT 'dashboard', dashboard_id, row->>'name', NULL
    FROM dashboards WHERE team_id = %(chain)s AND dashboard_id = ANY(%(dashboard)s)
    UNION ALL SELECT 'action', action_id, row->>'name', NULL
    FROM actions WHERE team_id = %(chain)s AND action_id = ANY(%(action)s)
    UNION ALL SELECT 'cohort', cohort_id, row->>'name', NULL
    FROM cohorts WHERE team_id = %(chain)s AND cohort_id = ANY(%(cohort)s)
    UNION ALL SELECT 'webhook', webhook_id, row->'settings'->>'host', NULL
    FROM webhooks WHERE team_id = %(chain)s AND webhook_id = ANY(%(webhook)s)"""
_ASKED = ("insight", "dashboard", "action", "cohort", "webhook")
# Their number is an insight's.
_OF_INSIGHTS = frozenset({"insight", "sharing", "share_login", "access"})
# Their payloads name people and insights.
_NAMING = frozenset({"access", "viewing", "account"})

_actor = msgspec.json.Decoder(Actor)


class _Said(msgspec.Struct, frozen=True):
    """What a payload may say of names and people."""

    name: str | None = None
    short_id: str | None = None
    insight_id: int | None = None
    grantee: Grantee | None = None
    user_id: int | None = None

    @property
    def people(self) -> set[int]:
        named = (self.user_id, self.grantee.user_id if self.grantee else None)
        return {number for number in named if number is not None}


_said = msgspec.json.Decoder(_Said)


class AuditNames:
    def __init__(self, pool: Pool, accounts: Accounts, installation: UUID) -> None:
        self._pool = pool
        self._accounts = accounts
        self._installation = installation

    async def of(self, chain: int, entries: Sequence[Entry]) -> Names:
        """Of entries of one chain. What no row tells of yet is called as its creation has it."""
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        people: set[int] = set()
        things: dict[str, Thing] = {}
        for entry in entries:
            kind, number = subject_of(entry)
            who = _actor.decode(entry.actor)
            if isinstance(who, UserActor):
                people.add(who.user_id)
            numbers["insight" if kind in _OF_INSIGHTS else kind].add(number)
            if kind in _NAMING:
                said = _said.decode(entry.event)
                people.update(said.people)
                if said.insight_id is not None:
                    numbers["insight"].add(said.insight_id)
            elif ".created." in entry.name:
                said = _said.decode(entry.event)
                things[f"{kind}/{number}"] = Thing(said.name, said.short_id)
        people |= numbers[StreamKind.VIEWING]
        things |= await self._things(chain, numbers)
        if any(numbers[kind] for kind in (StreamKind.PROJECT, StreamKind.ACCESS)):
            project = await self._accounts.project(chain)
            if project is not None:
                things["project/0"] = things["access/0"] = Thing(project.name)
        users = await self._people(people)
        for number in numbers[StreamKind.VIEWING] & users.keys():
            things[f"viewing/{number}"] = Thing(users[number].name)
        return Names(
            installation=self._installation,
            product_version=product_version(),
            things=things,
            users=users,
        )

    async def of_reads(self, chain: int, reads: Sequence[StoredRead]) -> Names:
        """Of reads of one project: who has read, and what was shown."""
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        people: set[int] = set()
        for each in reads:
            read = each.read
            numbers[read.kind].update(read.items)
            numbers["insight"].update(read.insights)
            if isinstance(read.actor, UserReader):
                people.add(read.actor.user_id)
        return Names(
            installation=self._installation,
            product_version=product_version(),
            things=await self._things(chain, numbers),
            users=await self._people(people),
        )

    async def _things(self, chain: int, numbers: defaultdict[str, set[int]]) -> dict[str, Thing]:
        if not any(numbers[kind] for kind in _ASKED):
            return {}
        asked: dict[str, object] = {kind: list(numbers[kind]) for kind in _ASKED}
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_NAMES, asked | {"chain": chain})
            found = await cursor.fetchall()
        things = {}
        for kind, number, name, short_id in found:
            things[f"{kind}/{number}"] = thing = Thing(name, short_id)
            if kind == StreamKind.INSIGHT:
                for alias in _OF_INSIGHTS:
                    things[f"{alias}/{number}"] = thing
        return things

    async def _people(self, numbers: set[int]) -> dict[int, Person]:
        people = {}
        for number in numbers:
            user = await self._accounts.user(number)
            if user is not None:
                people[number] = Person(user.first_name, user.email)
        return people


def subject_of(entry: Entry) -> tuple[str, int]:
    """Kind and number of the thing that the entry's stream is about."""
    kind, _, number = entry.subject.partition("/")
    return kind, int(number or 0)


@cache
def product_version() -> str:
    return importlib.metadata.version("recount")
