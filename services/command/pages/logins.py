"""Signing in to the pages, with a key or with a link; and out."""

import contextlib

from contracts.events.recorded import UserActor
from services.command.accounts.chains import Chains, Speaker
from services.command.accounts.service import AccountWrites
from services.command.tries import Tries
from services.common.accounts import login_links
from services.common.accounts.accounts import Accounts
from services.common.http.caller import AuthenticatedUser, current_project
from services.common.http.page_session import PageSession
from services.common.http.problems import Rejected
from services.common.postgres.database import Pool


class PageLogins:
    def __init__(self, pool: Pool, accounts: Accounts, chains: Chains) -> None:
        self._pool = pool
        self._accounts = accounts
        self._chains = chains
        self._tries = Tries[str](pool, "login_failures", "address")

    def forgetting(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self._tries.forgetting()

    async def with_link(self, secret: str, address: str) -> PageSession | None:
        """None for one that is used, has run out, or never was. Raises TooOften."""
        minute = await self._tries.begin(address)
        link = await login_links.take(self._pool, secret)
        if link is None:
            return None
        await self._tries.no_failure(address, minute)
        return PageSession(link.key_id, link.team_id)

    async def with_key(self, text: str, address: str) -> PageSession | None:
        """Of the project that is the user's current one; None for no live key, or without a
        project. Raises TooOften.
        """
        minute = await self._tries.begin(address)
        key = await self._accounts.key(text)
        user = None if key is None else await self._accounts.user(key.user_id)
        if key is None or user is None:
            return None
        await self._tries.no_failure(address, minute)
        try:
            project = await current_project(AuthenticatedUser(user, key), self._accounts)
        except Rejected:
            return None
        return PageSession(key.id, project.id)

    async def end(self, session: PageSession) -> None:
        """A key that was made for a link ends with it."""
        key = await self._accounts.key_by_id(session.key_id)
        if key is None or not await login_links.made_for_a_link(self._pool, key.id):
            return
        speaker = Speaker(UserActor(key.user_id, key.id))
        await AccountWrites(self._chains, speaker).revoke_key(key.id)
