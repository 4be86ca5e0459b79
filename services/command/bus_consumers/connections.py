"""Subscribers' connections: who is on the bus, and ending those whose credential is gone.

By the server's own account. Ended, a client comes back by itself and is asked for its password
again. Looked at as soon as an account changes, and once a minute for what that may have missed.
"""

import asyncio
from collections.abc import Collection, Sequence

import msgspec
import nats.errors
from nats.aio.client import Client

from services.command.bus_consumers.credentials import Credentials
from services.common.bus_accounts import SUBSCRIBERS_ACCOUNT
from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST
from services.common.tasks import every

log = logger("recount.bus")

LOOK_SECONDS = 60.0
PAUSE_SECONDS = 0.5
# Servers of a cluster answer side by side; how many there are, nobody knows.
_ANSWER_SECONDS = 0.1
_KICK_SECONDS = 2.0
_MOST_CONNECTIONS = 1 << 20

AWAY = (nats.errors.Error, *CONNECTION_LOST, TimeoutError, OSError)


class Connection(msgspec.Struct, frozen=True):
    """One connection of a subscriber. server, number: what ends it. user, password_id: what opened
    it.
    """

    server: str
    number: int
    user: str
    password_id: int


class _Connected(msgspec.Struct, frozen=True):
    cid: int
    authorized_user: str = ""


class _Connections(msgspec.Struct, frozen=True):
    server_id: str
    connections: tuple[_Connected, ...] = ()


class _Told(msgspec.Struct, frozen=True):
    data: _Connections


_told = msgspec.json.Decoder(_Told)


def connection_name(user: str, password_id: int) -> str:
    """What a connection is called, by user and password."""
    return f"{user}/{password_id}"


class Connections:
    """client: in the system account."""

    def __init__(self, client: Client, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials

    async def all(self) -> list[Connection]:
        """Raises what AWAY has."""
        asked = {"acc": SUBSCRIBERS_ACCOUNT, "auth": True, "limit": _MOST_CONNECTIONS}
        answers = await self._ask_all("$SYS.REQ.SERVER.PING.CONNZ", asked)
        found = []
        for answer in answers:
            data = _told.decode(answer).data
            for one in data.connections:
                user, _, password_id = one.authorized_user.rpartition("/")
                found.append(
                    Connection(
                        data.server_id,
                        one.cid,
                        user,
                        int(password_id) if password_id.isdecimal() else 0,
                    )
                )
        return found

    async def cut_dead(self, among: Collection[str] = ()) -> int:
        """End every connection that its credential would not open any more; how many.

        among: users; none: all. Raises what AWAY has.
        """
        found = [one for one in await self.all() if not among or one.user in among]
        if not found:
            return 0
        dead = await self._credentials.are_dead({(one.user, one.password_id) for one in found})
        ended = [one for one in found if (one.user, one.password_id) in dead]
        for one in ended:
            log.info("subscriber_cut", user=one.user)
            await self._kick(one)
        return len(ended)

    async def _kick(self, one: Connection) -> None:
        # A request, although nothing is told: one without a place for its answer is ignored.
        asked = msgspec.json.encode({"cid": one.number})
        subject = f"$SYS.REQ.SERVER.{one.server}.KICK"
        await self._client.request(subject, asked, timeout=_KICK_SECONDS)

    async def watch(self, rung: asyncio.Event) -> None:
        """Until cancelled. rung: when an account has changed."""
        await every(LOOK_SECONDS, self.cut_dead, away=AWAY, rung=rung, pause=PAUSE_SECONDS)

    async def _ask_all(self, subject: str, asked: object) -> Sequence[bytes]:
        """Every server's answer. Raises nats.errors.Error when there is none."""
        inbox = self._client.new_inbox()
        answers: list[bytes] = []
        subscription = await self._client.subscribe(inbox)
        try:
            await self._client.publish(subject, msgspec.json.encode(asked), reply=inbox)
            seconds = 2.0
            while True:
                try:
                    message = await subscription.next_msg(timeout=seconds)
                except nats.errors.TimeoutError:
                    break
                answers.append(message.data)
                seconds = _ANSWER_SECONDS
        finally:
            await subscription.unsubscribe()
        if not answers:
            raise nats.errors.TimeoutError
        return answers
