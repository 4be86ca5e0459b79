"""The auth callout: NATS asks us about every connection that its configuration does not know.

A subscriber is let into the account SUBSCRIBERS with the few subjects of one consumer, under a name
that tells the password that opened it. Without an end of its validity: a client whose token expires
is cut in the middle of its work. Who loses the right is cut off (`bus_consumers.connections`).
Any number of processes answer, each request once.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from contracts.read_models.bus_consumer import BusConsumerRow
from services.command.bus_consumers.connections import connection_name
from services.command.bus_consumers.credentials import Credentials
from services.common.bus import BusClient
from services.common.bus_accounts import SUBSCRIBERS_ACCOUNT, permissions
from services.common.logs import logger
from services.common.nkeys import AccountKey, claims_of
from services.common.postgres.database import CONNECTION_LOST
from services.common.tasks import background, describe

log = logger("recount.bus")

SUBJECT = "$SYS.REQ.USER.AUTH"
QUEUE = "recount-bus-callout"
# The server waits little longer, and the next one waits behind this.
ANSWER_SECONDS = 2.0

# A subscriber needs an inbox or two, and sends requests and acknowledgements.
MOST_SUBSCRIPTIONS = 100
MOST_BYTES = 16 * 1024


class _Server(msgspec.Struct, frozen=True):
    id: str


class _Options(msgspec.Struct, frozen=True):
    """What the client sent to connect; `pass` is no name in Python."""

    user: str = ""
    password: str = msgspec.field(default="", name="pass")


class _Asked(msgspec.Struct, frozen=True):
    """user_nkey: the name under which the server waits for the answer."""

    server_id: _Server
    user_nkey: str
    connect_opts: _Options = _Options()


class _Request(msgspec.Struct, frozen=True):
    nats: _Asked


class Callout:
    """Answers while the block runs. client: in the account of the streams, into which nobody else
    can send.
    """

    def __init__(self, client: BusClient, credentials: Credentials, issuer: AccountKey) -> None:
        self._client = client
        self._credentials = credentials
        self._issuer = issuer

    @contextlib.asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        async with background("bus callout", self._subscribe()) as subscribing:
            if self._client.is_connected:
                await asyncio.wait({subscribing})
            try:
                yield
            finally:
                if subscribing.done() and self._client.is_connected:
                    await subscribing.result().unsubscribe()

    async def _subscribe(self) -> Subscription:
        await self._client.arrived()
        return await self._client.subscribe(SUBJECT, queue=QUEUE, cb=self._answer)

    async def _answer(self, message: Msg) -> None:
        asked = msgspec.convert(claims_of(message.data), _Request).nats
        user, password = asked.connect_opts.user, asked.connect_opts.password
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                admitted = await self._credentials.admit(user, password)
        except (*CONNECTION_LOST, TimeoutError) as cause:
            # Its client tries again, and finds the door open once the log is back.
            log.warning("subscriber_refused", user=user, cause=describe(cause))
            admitted = None
        await message.respond(answer_to(asked, admitted, self._issuer).encode())


def answer_to(asked: _Asked, admitted: BusConsumerRow | None, issuer: AccountKey) -> str:
    """A JWT with the user's own in it, or with the refusal."""
    told: dict[str, Any] = {"type": "authorization_response", "version": 2}
    if admitted is None:
        told["error"] = "no such user, or another password"
    else:
        told["jwt"] = issuer.token(_user(asked.user_nkey, admitted))
    claims = {"sub": asked.user_nkey, "aud": asked.server_id.id, "iat": int(time.time())}
    return issuer.token({**claims, "nats": told})


def _user(user_nkey: str, consumer: BusConsumerRow) -> dict[str, Any]:
    return {
        "sub": user_nkey,
        "aud": SUBSCRIBERS_ACCOUNT,
        "name": connection_name(consumer.key, consumer.password_id),
        "iat": int(time.time()),
        "nats": {
            "type": "user",
            "version": 2,
            "subs": MOST_SUBSCRIPTIONS,
            "data": -1,
            "payload": MOST_BYTES,
            **permissions(consumer.key),
        },
    }
