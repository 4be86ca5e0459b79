"""Connections to the bus, NATS: to any node of a list, for ever, and without waiting for the first.

A node that is away, or all of them, must not keep a service from starting: what needs the bus finds
out when it asks.
"""

import asyncio
import contextlib
import ssl
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from prometheus_client import Gauge

from services.common.logs import logger
from services.common.tasks import describe, stop, watched

log = logger("recount.bus")

CONNECTED = Gauge(
    "recount_bus_connected",
    "1: this connection to NATS stands; 0: it is made, or made again, in the background.",
    ["connection"],
)

RECONNECT_SECONDS = 0.2
# A bus that is there answers within milliseconds; one that is not is waited for in the background.
FIRST_SECONDS = 2.0


class BusNodes(msgspec.Struct, frozen=True):
    """Where the bus is, and as whom it is entered. nodes: URLs without credentials.

    ca_file: authorities of the nodes' certificates; empty: a node need not have one. The
    credentials count for every node, also for those that a node tells of: nats-py would take those
    in a URL for that node's own, and be refused by the others.
    """

    nodes: tuple[str, ...]
    credentials: dict[str, str]
    ca_file: str = ""

    @classmethod
    def of(cls, url: str) -> "BusNodes":
        """url: a list separated by commas; the first user that is named, and its password or
        token, are for all, and so are `?ca_file=` and `creds_file=`.
        """
        parts = [urlsplit(each.strip()) for each in url.split(",") if each.strip()]
        bare = (each._replace(netloc=each.netloc.rpartition("@")[2], query="") for each in parts)
        files = {key: value for each in parts for key, value in parse_qsl(each.query)}
        credentials: dict[str, str] = {}
        if "creds_file" in files:
            credentials = {"user_credentials": files["creds_file"]}
        for each in parts:
            if each.username is not None and not credentials:
                name = unquote(each.username)
                credentials = {"token": name}
                if each.password is not None:
                    credentials = {"user": name, "password": unquote(each.password)}
        return cls(tuple(each.geturl() for each in bare), credentials, files.get("ca_file", ""))

    def options(self) -> dict[str, Any]:
        """As nats-py's client takes them. Raises OSError for files that can't be read."""
        if not self.ca_file:
            return {**self.credentials}
        return {**self.credentials, "tls": ssl.create_default_context(cafile=self.ca_file)}


def entered_as(url: str, user: str) -> str:
    """The URL of the same nodes for another user. user: `name:password`."""
    nodes = BusNodes.of(url)
    name, _, password = user.partition(":")
    return entered(",".join(nodes.nodes), name, password, ca_file=nodes.ca_file)


def entered(
    url: str, user: str = "", password: str = "", *, creds_file: str = "", ca_file: str = ""
) -> str:
    """The URL, which names no user and no file yet, with those that are given."""
    first, comma, others = url.partition(",")
    parts = urlsplit(first)
    if user:
        secret = f":{quote(password, safe='')}" if password else ""
        parts = parts._replace(netloc=f"{quote(user, safe='')}{secret}@{parts.netloc}")
    files = {"creds_file": creds_file, "ca_file": ca_file}
    query = "&".join(f"{name}={quote(path, safe='/')}" for name, path in files.items() if path)
    return f"{parts._replace(query=query or parts.query).geturl()}{comma}{others}"


class NodesClient(Client):
    """nats-py's client, which says nothing to a node without TLS where it was given authorities:
    left alone, it would go by what the node says first, which anybody on the wire can change.
    """

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if "tls" in self.options and not info.get("tls_required"):
            raise nats.errors.SecureConnWantedError
        await super()._process_info(info, initial_connection)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except Exception:
            # A handshake that failed has taken the connection over: nats-py would wait for ever
            # for the end of what it had before.
            if "tls" in self.options and self._transport is not None:
                self._transport.close()  # type: ignore[no-untyped-call]  # nats-py
                self._transport = None
            raise


class BusClient(NodesClient):
    """A client which refuses what it is asked before its first connection. After that it
    keeps what is published while it reconnects, as nats-py does.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._arrived = asyncio.Event()
        self._arriving: asyncio.Task[None] | None = None
        self._told: str | None = None

    async def arrive(self, nodes: BusNodes) -> None:
        """Connect in the background, for ever; returns with the first success, or before."""
        CONNECTED.labels(self._name).set_function(lambda: self.is_connected)
        self._arriving = watched(f"bus {self._name}", self._arrive(nodes))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), FIRST_SECONDS)

    async def arrived(self) -> None:
        """Returns once there has been a connection."""
        await self._arrived.wait()

    async def _arrive(self, nodes: BusNodes) -> None:
        options: dict[str, Any] = {
            "name": self._name,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": RECONNECT_SECONDS,
            "error_cb": self._tell,
            "reconnected_cb": self._back,
            **nodes.options(),
        }
        await self.connect(list(nodes.nodes), **options)
        await self._back()
        self._arrived.set()

    async def _tell(self, error: Exception) -> None:
        """The same trouble at every attempt is one line."""
        if (cause := describe(error)) != self._told:
            log.warning("bus_away", connection=self._name, cause=cause)
        self._told = cause

    async def _back(self) -> None:
        """The next trouble is told, the same one too."""
        self._told = None

    async def publish(self, *args: Any, **options: Any) -> None:
        self._require()
        await super().publish(*args, **options)

    async def request(self, *args: Any, **options: Any) -> Msg:
        self._require()
        return await super().request(*args, **options)

    async def subscribe(self, *args: Any, **options: Any) -> Subscription:
        self._require()
        return await super().subscribe(*args, **options)

    def _require(self) -> None:
        if not self._arrived.is_set():
            raise nats.errors.ConnectionClosedError

    async def close(self) -> None:
        if self._arriving is not None:
            await stop(self._arriving)
        if self._transport is None:
            return
        if not self.is_connected:
            # What waits for a connection would be written to the one that is lost.
            self._pending, self._pending_data_size = [], 0
        await super().close()


async def connect_bus(url: str, name: str) -> BusClient:
    """A connection that is made, and made again, in the background. name: shown in the server's
    monitoring. url: as BusNodes.of reads it.
    """
    client = BusClient(name)
    await client.arrive(BusNodes.of(url))
    return client
