"""Makes and changes webhooks."""

import msgspec
from litestar import Response
from msgspec import UNSET

from contracts.api.webhooks import NewSecretBody, WebhookBody, WriteWebhook
from contracts.cursors import NOW
from contracts.events.streams import webhook_stream
from contracts.events.webhook import WebhookEvent
from contracts.read_models.webhook import WebhookRow
from domain.errors import NotFound
from domain.webhook.commands import (
    Address,
    CreateWebhook,
    DeleteWebhook,
    RotateWebhookSecret,
    WebhookCommand,
)
from domain.webhook.view import view
from services.command.handle import Outcome, Terms, Write, given, handle, plain
from services.command.plans import drawn
from services.command.webhooks.secrets import NewSecret, WebhookSecrets
from services.command.webhooks.translation import (
    RULES,
    checked_url,
    edit_command,
    host_of,
    new_settings,
)
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.http.caller import require_administrator
from services.common.http.problems import invalid, required
from services.common.insights.context import user_bodies
from services.common.log.cursors import check_cursor
from services.common.log.store import EventStore
from services.common.postgres.database import Pool
from services.common.webhooks.destinations import Destinations
from services.common.webhooks.standing import standings

GRACE_SECONDS = 86_400

WebhookWrite = Write[WebhookCommand, WebhookEvent]


class Webhooks:
    """destinations: where they may be sent. All commands raise as `handle` does, and Rejected 403
    for who is no administrator: facts tell of insights that rules may hide from others.
    """

    def __init__(
        self, store: EventStore, pool: Pool, accounts: Accounts, destinations: Destinations
    ) -> None:
        self._store = store
        self._pool = pool
        self._accounts = accounts
        self._destinations = destinations
        self._secrets = WebhookSecrets(pool, store)

    async def create(self, sent: WriteWebhook, terms: Terms) -> Outcome[WebhookEvent]:
        """Raises Rejected 400 naming the field, 409 too_many; as `check_cursor` does."""
        require_administrator(terms.caller)
        team_id = terms.caller.team_id

        async def begin() -> WebhookWrite:
            if sent.url is UNSET:
                raise required("url")
            # All that is wrong with it, before any number is drawn.
            new_settings(sent, Address("", 0))
            url = await checked_url(sent.url, self._destinations)
            after = NOW if sent.after is UNSET else sent.after
            begins = await drawn(lambda: self._begins(team_id, after), int)
            number = await drawn(lambda: self._secrets.number(team_id), int)
            if terms.dry_run:
                await self._secrets.give_back(number)
            elif terms.plan is not None:
                await self._secrets.hold(team_id, number)
            address = Address(host_of(url), await self._address(number, sent.url, terms))
            secret = await self._secret(number, terms)
            command = CreateWebhook(
                webhook_id=number,
                settings=new_settings(sent, address),
                after=begins,
                secret_id=secret.id,
                public_key=secret.public_key,
            )
            return plain(webhook_stream(team_id, number), command)

        return await handle(self._store, RULES, begin, terms)

    async def edit(self, number: int, sent: WriteWebhook, terms: Terms) -> Outcome[WebhookEvent]:
        """Raises Rejected 400 naming the field."""
        require_administrator(terms.caller)
        team_id = terms.caller.team_id
        if sent.after is not UNSET:
            raise invalid(
                "after", "invalid_input", "Its place can't be moved: replay/ sends again."
            )
        edit_command(sent, UNSET)

        async def begin() -> WebhookWrite:
            stream = webhook_stream(team_id, number)
            if sent.url is UNSET:
                return plain(stream, edit_command(sent, UNSET))
            row = await self.found(team_id, number)
            if sent.url == await self._secrets.url_of(row.settings.address_id):
                return plain(stream, edit_command(sent, UNSET))
            url = await checked_url(sent.url, self._destinations)
            address_id = await self._address(number, sent.url, terms)
            return plain(stream, edit_command(sent, Address(host_of(url), address_id)))

        return await handle(self._store, RULES, begin, terms)

    async def do(self, number: int, command: WebhookCommand, terms: Terms) -> Outcome[WebhookEvent]:
        """A command that needs nothing drawn: to pause, to resume, to release a lane."""
        require_administrator(terms.caller)
        stream = webhook_stream(terms.caller.team_id, number)
        write: WebhookWrite = plain(stream, command)
        return await handle(self._store, RULES, given(write), terms)

    async def rotate(self, number: int, terms: Terms) -> Outcome[WebhookEvent]:
        """The secret before signs beside the new one for GRACE_SECONDS."""
        require_administrator(terms.caller)
        team_id = terms.caller.team_id

        async def begin() -> WebhookWrite:
            await self.found(team_id, number)
            secret = await self._secret(number, terms)
            command = RotateWebhookSecret(
                secret_id=secret.id,
                public_key=secret.public_key,
                grace_seconds=GRACE_SECONDS,
            )
            return plain(webhook_stream(team_id, number), command)

        return await handle(self._store, RULES, begin, terms)

    async def _begins(self, team_id: int, after: str) -> int:
        """The sequence behind which it begins; of a plan the one that it has shown."""
        return (await check_cursor(self._pool, team_id, after)).team_seq

    async def _address(self, number: int, url: str, terms: Terms) -> int:
        """A trial keeps none."""
        return 0 if terms.dry_run else await self._secrets.url(terms.caller.team_id, number, url)

    async def _secret(self, number: int, terms: Terms) -> NewSecret:
        """A trial makes none."""
        if terms.dry_run:
            return NewSecret(0, "")
        return await self._secrets.secret(terms.caller.team_id, number)

    async def delete(self, number: int, terms: Terms) -> Outcome[WebhookEvent]:
        outcome = await self.do(number, DeleteWebhook(), terms)
        await self.forget(number)
        return outcome

    async def forget(self, number: int) -> None:
        """Of a deleted one, its secrets. After the fact: a secret without one is an orphan, a fact
        without its secret a lie.
        """
        await self._secrets.forget(number)

    async def found(self, team_id: int, number: int) -> WebhookRow:
        """A webhook in sight of the log. Raises NotFound."""
        row = view(await self._store.load(webhook_stream(team_id, number)))
        if row is None or row.deleted:
            raise NotFound
        return row

    async def answer(self, outcome: Outcome[WebhookEvent]) -> Response[bytes]:
        """The webhook as every later read will show it."""
        body = await self._body(_row(outcome))
        return resource(
            msgspec.json.encode(body),
            version=body.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
        )

    async def answer_secret(
        self, outcome: Outcome[WebhookEvent], status: int = 200
    ) -> Response[bytes]:
        """The same, and its new secret; a repeat has the first answer."""
        row = _row(outcome)
        secret = await self._secrets.text_of(row.secrets[-1].id)
        body = NewSecretBody.with_secret(await self._body(row), secret)
        return resource(
            msgspec.json.encode(body),
            version=body.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=status,
        )

    async def _body(self, row: WebhookRow) -> WebhookBody:
        known = await standings(self._pool, row.team_id, [row])
        users = await user_bodies(self._accounts, (row.created_by,))
        return WebhookBody.of(row, known[row.webhook_id], users.get(row.created_by or 0))


def _row(outcome: Outcome[WebhookEvent]) -> WebhookRow:
    row = view(outcome.history)
    if row is None:
        raise ValueError("a webhook without a history has no answer")
    return row
