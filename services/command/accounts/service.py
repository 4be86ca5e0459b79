"""Writes to accounts: said in the organization's chain before they are done, but for those that
take a right away: these are done first.

So whenever the process dies, nobody has more than the chain tells; the same write again ends it.
"""

from collections.abc import Callable
from typing import LiteralString, TypeVar
from uuid import UUID

from msgspec import Raw

from contracts.events.account import AccountEvent, MemberAdded, ProjectCreated
from domain.account.commands import (
    AccountCommand,
    AddMember,
    ChangeRank,
    CreateKey,
    CreateProject,
    EraseUser,
    RemoveMember,
    RevokeKey,
    ToldKey,
)
from services.command.accounts.chains import SYSTEM, AlreadySaid, Chains, Speaker
from services.common.accounts import administration
from services.common.accounts.accounts import Organization, Project
from services.common.accounts.administration import (
    NO_FILTERS,
    IssuedKey,
    ProjectKeyReused,
    RequestKey,
)
from services.common.log.store import NewReceipt

E = TypeVar("E", MemberAdded, ProjectCreated)

CREATED = 201

_ORGANIZATIONS_OF: LiteralString = """
    SELECT organization_id FROM organization_members WHERE user_id = %s ORDER BY organization_id"""
_KEYS_OF: LiteralString = """
    SELECT id, user_id, scopes, label FROM personal_api_keys
    WHERE user_id = %s AND revoked_at IS NULL ORDER BY created_at, id"""


class AccountWrites:
    """speaker: of all that is said; the command line's is the system.

    crash_at: told "said" and "done" as each is reached, for crash tests.
    """

    def __init__(
        self,
        chains: Chains,
        speaker: Speaker = SYSTEM,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._pool = chains.pool
        self._chains = chains
        self._speaker = speaker
        self._crash_at = crash_at

    async def create_organization(self, name: str) -> Organization:
        """Its chain begins with its first member."""
        return await administration.create_organization(self._pool, name)

    async def add_member(
        self,
        email: str,
        organization_id: UUID,
        *,
        first_name: str = "",
        level: int = 1,
        once: NewReceipt | None = None,
    ) -> int:
        """The number of the user with this address, a member of the organization from now on.

        An address that is known keeps its user; a membership that is there keeps its level.
        once: a repeat under this receipt goes on with the number that it has drawn the first time.
        """
        async with self._chains.alone():
            while True:
                known = await administration.user_id(self._pool, email)
                if known and await administration.level(self._pool, known, organization_id):
                    return known
                user_id = known or await administration.new_user_id(self._pool)
                keys = await self._keys(user_id)
                try:
                    await self._say(organization_id, AddMember(user_id, level, keys), once)
                except AlreadySaid as said:
                    user_id = known or _drawn(said.events, MemberAdded).user_id
                self._crash_at("said")
                found = await administration.create_user(
                    self._pool,
                    email,
                    organization_id,
                    first_name=first_name,
                    level=level,
                    id=user_id,
                )
                self._crash_at("done")
                if found == user_id:
                    return found
                # Another process has made a user with this address meanwhile: that one joins.
                once = None

    async def change_rank(self, user_id: int, organization_id: UUID, level: int) -> None:
        """level: 1, 8 or 15. Of who is no member, nothing changes."""
        async with self._chains.alone():
            previous = await administration.level(self._pool, user_id, organization_id)
            if previous is None:
                return
            if level < previous:
                await administration.set_level(self._pool, user_id, organization_id, level)
                self._crash_at("done")
            await self._say(organization_id, ChangeRank(user_id, level))
            self._crash_at("said")
            if level >= previous:
                await administration.set_level(self._pool, user_id, organization_id, level)
                self._crash_at("done")

    async def remove_member(self, user_id: int, organization_id: UUID) -> None:
        async with self._chains.alone():
            await administration.remove_member(self._pool, user_id, organization_id)
            self._crash_at("done")
            await self._say(organization_id, RemoveMember(user_id))
            self._crash_at("said")

    async def create_project(
        self,
        organization_id: UUID,
        name: str,
        timezone: str = "UTC",
        *,
        week_start_day: int = 0,
        test_account_filters: Raw = NO_FILTERS,
        under: RequestKey | None = None,
        once: NewReceipt | None = None,
    ) -> Project:
        """A new one; the one that was made under the same key before. Raises ProjectKeyReused.

        once: as `add_member` takes it; of a request's key it is made.
        """
        async with self._chains.alone():
            if under is not None:
                made = await administration.project_under(self._pool, under)
                if made is not None:
                    return made
                once = NewReceipt(f"project:{under.key}", under.request_hash, CREATED)
            number = await administration.new_project_id(self._pool)
            try:
                await self._say(organization_id, CreateProject(number, name), once)
            except AlreadySaid as said:
                if once is None or said.request_hash != once.request_hash:
                    raise ProjectKeyReused from said
                number = _drawn(said.events, ProjectCreated).team_id
            self._crash_at("said")
            made = await administration.create_project(
                self._pool,
                organization_id,
                name,
                timezone,
                week_start_day=week_start_day,
                test_account_filters=test_account_filters,
                under=under,
                id=number,
            )
            self._crash_at("done")
            return made

    async def create_key(
        self,
        user_id: int,
        *,
        label: str = "API key",
        scopes: list[str] | None = None,
        team_ids: list[int] | None = None,
        organization_ids: list[UUID] | None = None,
    ) -> IssuedKey:
        """scopes: `*` unless given."""
        async with self._chains.alone():
            issued = administration.draw_key(scopes or ["*"])
            await self._say_key(issued, user_id, label)
            await administration.create_key(
                self._pool,
                user_id,
                label=label,
                team_ids=team_ids,
                organization_ids=organization_ids,
                drawn=issued,
            )
            self._crash_at("done")
            return issued

    async def renew_key(
        self, key_id: str, user_id: int, *, label: str, scopes: list[str], team_ids: list[int]
    ) -> IssuedKey:
        """As `administration.renew_key`."""
        async with self._chains.alone():
            await self._say_key(IssuedKey(key_id, "", scopes), user_id, label)
            issued = await administration.renew_key(
                self._pool, key_id, user_id, label=label, scopes=scopes, team_ids=team_ids
            )
            self._crash_at("done")
            return issued

    async def revoke_key(self, key_id: str) -> bool:
        """For good. False: there is no such key."""
        async with self._chains.alone():
            user_id = await administration.revoke_key(self._pool, key_id)
            self._crash_at("done")
            if user_id is None:
                return False
            for organization_id in await self._organizations(user_id):
                await self._say(organization_id, RevokeKey(key_id))
            self._crash_at("said")
            return True

    async def erase_user(self, user_id: int) -> None:
        """Revokes all keys of the user, and says that the user's name and address are gone. Their
        row is the erasure's to change.
        """
        async with self._chains.alone():
            for key_id in await self._keys(user_id):
                await administration.revoke_key(self._pool, key_id)
            self._crash_at("done")
            for organization_id in await self._organizations(user_id):
                await self._say(organization_id, EraseUser(user_id))
            self._crash_at("said")

    async def _say(
        self, organization_id: UUID, command: AccountCommand, once: NewReceipt | None = None
    ) -> None:
        await self._chains.say(organization_id, command, self._speaker, once)

    async def _say_key(self, issued: IssuedKey, user_id: int, label: str) -> None:
        """In each organization that the user is a member of: there it opens something."""
        key = ToldKey(user_id, tuple(issued.scopes), label)
        for organization_id in await self._organizations(user_id):
            await self._say(organization_id, CreateKey(issued.id, key))
        self._crash_at("said")

    async def _organizations(self, user_id: int) -> list[UUID]:
        async with self._pool.connection() as conn:
            found = await (await conn.execute(_ORGANIZATIONS_OF, (user_id,))).fetchall()
        return [organization_id for (organization_id,) in found]

    async def _keys(self, user_id: int) -> dict[str, ToldKey]:
        async with self._pool.connection() as conn:
            found = await (await conn.execute(_KEYS_OF, (user_id,))).fetchall()
        return {
            key_id: ToldKey(user, tuple(scopes), label) for key_id, user, scopes, label in found
        }


def _drawn(events: tuple[AccountEvent, ...], kind: type[E]) -> E:
    """The fact that has the number."""
    return next(event for event in events if isinstance(event, kind))
