"""Changes how an insight is shared: its switch, its settings, its token, its passwords."""

import secrets

import msgspec
from litestar import Response

from contracts.api.sharing import AddedPasswordBody, AddPassword, SharingBody, WriteSharing
from contracts.api.times import written
from contracts.events.sharing import SharingEvent
from contracts.events.streams import sharing_stream
from domain.sharing.commands import (
    AddSharePassword,
    ChangeSharing,
    RemoveSharePassword,
    RotateAccessToken,
    SharingCommand,
)
from domain.sharing.view import view
from services.command.handle import Outcome, Terms, Write, handle
from services.command.numbers import Numbers
from services.command.rights import allowed, require_insight
from services.command.sharing.passwords import Passwords
from services.command.sharing.translation import RULES, check_password, known_settings
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.http.caller import Caller
from services.common.http.problems import not_found
from services.common.insights.context import user_bodies
from services.common.log.store import AppendPart, EventStore

GENERATED_PASSWORD_LENGTH = 16

SharingWrite = Write[SharingCommand, SharingEvent]


class AddedPassword(msgspec.Struct, frozen=True):
    """password: as it is shown, this once; None where a repeat can't know it any more."""

    outcome: Outcome[SharingEvent]
    password: str | None


class Sharing:
    """grace_seconds: how long a rotated token goes on working.

    The right to share is looked for before anything is drawn, and again in each round. All that
    change something raise as `handle` and `require_editor` do.
    """

    def __init__(
        self,
        store: EventStore,
        numbers: Numbers,
        accounts: Accounts,
        passwords: Passwords,
        grace_seconds: int,
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._accounts = accounts
        self._passwords = passwords
        self._grace_seconds = grace_seconds

    async def change(
        self, insight_id: int, sent: WriteSharing, terms: Terms
    ) -> Outcome[SharingEvent]:
        """Its switch and its settings. Raises Rejected 400 for settings that are none, too."""
        caller, settings = terms.caller, known_settings(sent.settings)

        async def begin() -> SharingWrite:
            await require_editor(self._store, caller, insight_id)
            # Made for the case that this switches sharing on: a fact names only what exists.
            token_id = await self._token(caller, insight_id) if sent.enabled is True else 0
            command = ChangeSharing(
                insight_id=insight_id,
                token_id=token_id,
                enabled=sent.enabled,
                settings=settings,
                password_required=sent.password_required,
            )
            return sharing_write(self._store, caller, command)

        return await handle(self._store, RULES, begin, terms)

    async def rotate(self, insight_id: int, terms: Terms) -> Outcome[SharingEvent]:
        caller = terms.caller

        async def begin() -> SharingWrite:
            await require_editor(self._store, caller, insight_id)
            command = RotateAccessToken(
                insight_id=insight_id,
                token_id=await self._token(caller, insight_id),
                grace_seconds=self._grace_seconds,
            )
            return sharing_write(self._store, caller, command)

        return await handle(self._store, RULES, begin, terms)

    async def add_password(self, insight_id: int, sent: AddPassword, terms: Terms) -> AddedPassword:
        """The one that was sent, or a new one. Raises Rejected 400 for a short one, too."""
        caller = terms.caller
        check_password(sent.raw_password)
        password = sent.raw_password or generated_password()

        async def begin() -> SharingWrite:
            await require_editor(self._store, caller, insight_id)
            command = AddSharePassword(
                insight_id=insight_id,
                password_id=await self._passwords.add(caller.team_id, insight_id, password),
                note=sent.note or None,
            )
            return sharing_write(self._store, caller, command)

        outcome = await handle(self._store, RULES, begin, terms)
        return AddedPassword(outcome, sent.raw_password if outcome.replayed else password)

    async def remove_password(
        self, insight_id: int, password_id: int, terms: Terms
    ) -> Outcome[SharingEvent]:
        caller = terms.caller

        async def begin() -> SharingWrite:
            await require_editor(self._store, caller, insight_id)
            command = RemoveSharePassword(insight_id=insight_id, password_id=password_id)
            return sharing_write(self._store, caller, command)

        outcome = await handle(self._store, RULES, begin, terms)
        # After the fact: a hash without one is an orphan, a fact without its hash would be a lie.
        await self._passwords.remove(caller.team_id, password_id)
        return outcome

    async def answer(self, outcome: Outcome[SharingEvent]) -> Response[bytes]:
        """The sharing configuration as every later read will show it."""
        row = view(outcome.history)
        token = await self._numbers.share_token(row.token_id if row else None)
        makers = await user_bodies(
            self._accounts, (password.created_by for password in (row.passwords if row else ()))
        )
        emails = {number: user.email for number, user in makers.items()}
        return resource(
            msgspec.json.encode(SharingBody.of(row, token, emails)),
            version=outcome.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
        )

    async def answer_added(self, added: AddedPassword, caller: Caller) -> Response[bytes]:
        """The newest password; its text is in this answer and nowhere else."""
        outcome = added.outcome
        row = view(outcome.history)
        if row is None or not row.passwords:
            raise not_found()
        newest = row.passwords[-1]
        body = AddedPasswordBody(
            id=newest.id,
            password=added.password,
            created_at=written(newest.created_at),
            note=newest.note,
            created_by_email=caller.user.email,
        )
        return resource(
            msgspec.json.encode(body),
            version=outcome.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=201,
        )

    async def _token(self, caller: Caller, insight_id: int) -> int:
        return (await self._numbers.new_share_token(caller.team_id, insight_id)).id


async def require_editor(
    store: EventStore, caller: Caller, insight_id: int
) -> tuple[AppendPart, ...]:
    """The append's parts that the right to share the insight rests on.

    Raises Rejected 404 unless the insight is there to be shared, 403 without the right to.
    """
    found = await require_insight(store, caller, insight_id, "Insight not found.")
    found.access.require("editor")
    return found.grounds


def sharing_write(store: EventStore, caller: Caller, command: SharingCommand) -> SharingWrite:
    """The command, in each round once the right to it is found."""
    stream = sharing_stream(caller.team_id, command.insight_id)
    return allowed(stream, command, lambda: require_editor(store, caller, command.insight_id))


def generated_password() -> str:
    return secrets.token_urlsafe(GENERATED_PASSWORD_LENGTH)[:GENERATED_PASSWORD_LENGTH]
