"""One request to a receiver: what leaves, what may come back, and how that is judged."""

import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

import aiohttp
import msgspec
from yarl import URL

from contracts.cloud_events import MEDIA_TYPE
from services.common.webhooks.destinations import (
    Destinations,
    ForbiddenAddress,
    Lookup,
    UnusableUrl,
    look_up,
    usable_url,
)
from services.projector.webhooks.addresses import PermittedAddresses, check_literal

MOST_RESPONSE_BYTES = 64 * 1024
SHOWN_BYTES = 1024
# Of a receiver that asks to be tried again at once.
SHORTEST_RETRY = timedelta(seconds=1)

HEADERS: Mapping[str, str] = {
    "Content-Type": MEDIA_TYPE,
    "User-Agent": "recount-webhooks/1",
    # A response is read for people; nobody unpacks it.
    "Accept-Encoding": "identity",
}

Failure = Literal["forbidden_address", "timeout", "tls", "connection", "redirect", "status", "url"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request. status: None when there was no answer. error: None after a 2xx.

    response: the first kB of its body. retry_after: what a 429 or a 503 asked for.
    """

    status: int | None = None
    error: Failure | None = None
    response: str | None = None
    retry_after: timedelta | None = None
    duration_ms: int = 0

    @property
    def is_gone(self) -> bool:
        return self.status == 410


class Sender:
    """Sends, and reaches no forbidden address. Open it with `Sender.open`.

    crash_at: told "sent" once a receiver answers, for crash tests.
    """

    def __init__(
        self,
        sessions: Mapping[str, aiohttp.ClientSession],
        destinations: Destinations,
        crash_at: Callable[[str], None],
    ) -> None:
        self._sessions = sessions
        self._destinations = destinations
        self._crash_at = crash_at

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        destinations: Destinations,
        seconds: float,
        authorities: ssl.SSLContext,
        *,
        lookup: Lookup = look_up,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> AsyncIterator["Sender"]:
        """seconds: that a request may take in all. authorities: by which receivers are believed."""
        async with contextlib.AsyncExitStack() as stack:
            sessions = {
                scheme: await stack.enter_async_context(
                    aiohttp.ClientSession(
                        connector=aiohttp.TCPConnector(
                            resolver=PermittedAddresses(
                                destinations, secure=scheme == "https", lookup=lookup
                            ),
                            use_dns_cache=False,  # an address is looked at when it is used
                            ssl=authorities,
                            limit=0,  # webhooks have limits of their own
                        ),
                        timeout=aiohttp.ClientTimeout(total=seconds),
                        cookie_jar=aiohttp.DummyCookieJar(),
                        auto_decompress=False,
                        trust_env=False,  # no proxy: it would resolve names by itself
                    )
                )
                for scheme in ("https", "http")
            }
            yield cls(sessions, destinations, crash_at)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST it, once. Never raises for what the receiver does."""
        began = time.monotonic()
        answer = await self._send(url, headers, body)
        took = round((time.monotonic() - began) * 1000)
        return msgspec.structs.replace(answer, duration_ms=took)

    async def _send(self, text: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            url = usable_url(text, self._destinations)
            await check_literal(url, self._destinations)
            return await self._post(url, {**HEADERS, **headers}, body)
        except UnusableUrl:
            return Answer(error="url")
        except ForbiddenAddress:
            return Answer(error="forbidden_address")
        except TimeoutError:
            return Answer(error="timeout")
        except aiohttp.ClientConnectorDNSError as cause:
            forbidden = isinstance(cause.os_error, ForbiddenAddress)
            return Answer(error="forbidden_address" if forbidden else "connection")
        except (aiohttp.ClientSSLError, ssl.SSLError):
            return Answer(error="tls")
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer(error="connection")

    async def _post(self, url: URL, headers: Mapping[str, str], body: bytes) -> Answer:
        session = self._sessions[url.scheme]
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            self._crash_at("sent")
            shown = await _read(response)
            status = response.status
            if 200 <= status < 300:
                return Answer(status=status, response=shown)
            return Answer(
                status=status,
                error="redirect" if 300 <= status < 400 else "status",
                response=shown,
                retry_after=_retry_after(response) if status in (429, 503) else None,
            )


async def _read(response: aiohttp.ClientResponse) -> str:
    """The beginning of its body. The status stands, however the rest of it comes or does not."""
    found = bytearray()
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError):
        while len(found) < MOST_RESPONSE_BYTES:
            chunk = await response.content.read(MOST_RESPONSE_BYTES - len(found))
            if not chunk:
                return _text(found)
            found += chunk
    # There is more, or it broke off: nothing else can come over this connection.
    response.close()
    return _text(found)


def _text(body: bytearray) -> str:
    """As PostgreSQL can hold it."""
    return bytes(body[:SHOWN_BYTES]).decode("utf-8", "replace").replace("\0", "\ufffd")


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    """Seconds, or a date; None for neither."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return max(timedelta(seconds=min(int(text), 86_400)), SHORTEST_RETRY)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - datetime.now(UTC), SHORTEST_RETRY)
