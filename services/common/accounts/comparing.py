"""Accounts as the tables have them beside accounts as their organization's chain tells them.

A fact is said before its row is written, and a right is taken away before that is said. So what the
tables give and the chain does not tell, somebody wrote who is not Recount; what the chain tells and
the tables do not give was begun and never done, and harms nobody.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, LiteralString, TypeVar
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from contracts.codec import decode_event
from contracts.events.account import AccountEvent
from contracts.events.streams import account_stream
from domain.account.commands import ToldKey
from domain.account.state import Told, fold

Kind = Literal["member", "key", "project"]
V = TypeVar("V")

_CHAINS: LiteralString = "SELECT id, chain FROM organizations ORDER BY chain DESC"
_FACTS: LiteralString = """
    SELECT topic, state FROM log WHERE originator_id = %s ORDER BY originator_version"""
_MEMBERS: LiteralString = """
    SELECT user_id, level FROM organization_members WHERE organization_id = %s ORDER BY user_id"""
_KEYS: LiteralString = """
    SELECT key.id, key.user_id, key.scopes, key.label
    FROM personal_api_keys AS key
    JOIN organization_members AS member
        ON member.user_id = key.user_id AND member.organization_id = %s
    WHERE key.revoked_at IS NULL ORDER BY key.created_at, key.id"""
_PROJECTS: LiteralString = "SELECT id, name FROM projects WHERE organization_id = %s ORDER BY id"


class AccountDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One account that the tables and the chain do not have alike.

    id: a user's or a project's number, or a key's id. told, there: what the chain tells and what
    the table has, in words; None: nothing.
    untold: the table gives what the chain does not tell. Otherwise what was said was never done.
    """

    organization_id: UUID
    chain: int
    kind: Kind
    id: str
    told: str | None
    there: str | None
    untold: bool


async def account_differences(conn: AsyncConnection[Any]) -> list[AccountDifference]:
    """Of all organizations whose chain has begun, seen at one moment. conn: not in a transaction.

    Raises Undecodable.
    """
    async with conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        chains = await (await conn.execute(_CHAINS)).fetchall()
        return [
            difference
            for organization_id, chain in chains
            if (facts := await _facts(conn, chain))
            for difference in compared(
                organization_id, chain, fold(facts), await there(conn, organization_id)
            )
        ]


async def there(conn: AsyncConnection[Any], organization_id: UUID) -> Told:
    """An organization's accounts as the tables have them."""
    members = await conn.execute(_MEMBERS, (organization_id,))
    keys = await conn.execute(_KEYS, (organization_id,))
    projects = await conn.execute(_PROJECTS, (organization_id,))
    return Told(
        members=dict(await members.fetchall()),
        keys={
            key_id: ToldKey(user_id, tuple(scopes), label)
            for key_id, user_id, scopes, label in await keys.fetchall()
        },
        projects=dict(await projects.fetchall()),
    )


def compared(organization_id: UUID, chain: int, told: Told, there: Told) -> list[AccountDifference]:
    """Names and labels are not compared: a name changes in the project's own chain, and a label
    may have been erased.
    """

    def differences(
        kind: Kind,
        said: Mapping[Any, V],
        has: Mapping[Any, V],
        covers: Callable[[V, V], bool],
        text: Callable[[V], str],
    ) -> list[AccountDifference]:
        return [
            AccountDifference(
                organization_id=organization_id,
                chain=chain,
                kind=kind,
                id=str(id_),
                told=text(said[id_]) if id_ in said else None,
                there=text(has[id_]) if id_ in has else None,
                untold=id_ in has and not (id_ in said and covers(said[id_], has[id_])),
            )
            for id_ in sorted(said.keys() | has.keys())
            if not (
                id_ in said
                and id_ in has
                and covers(said[id_], has[id_])
                and covers(has[id_], said[id_])
            )
        ]

    return [
        *differences("member", told.members, there.members, lambda said, has: has <= said, str),
        *differences("key", told.keys, there.keys, _covers, _key_text),
        *differences("project", told.projects, there.projects, lambda said, has: True, str),
    ]


def _covers(said: ToldKey, has: ToldKey) -> bool:
    """Whether the second opens nothing beyond the first, and to nobody else."""
    return said.user_id == has.user_id and (
        "*" in said.scopes or set(has.scopes) <= set(said.scopes)
    )


def _key_text(key: ToldKey) -> str:
    return f"user {key.user_id}: {' '.join(key.scopes)}"


async def _facts(conn: AsyncConnection[Any], chain: int) -> list[AccountEvent]:
    """Raises Undecodable."""
    rows = await conn.execute(_FACTS, (account_stream(chain).id,))
    decoded = [decode_event(name, payload) for name, payload in await rows.fetchall()]
    return [event for event in decoded if isinstance(event, AccountEvent)]
