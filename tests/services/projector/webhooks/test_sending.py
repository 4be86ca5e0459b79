"""One request to a receiver, whatever that does; and to no forbidden address."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from services.common.webhooks.destinations import Destinations, networks
from services.projector.webhooks.sending import MOST_RESPONSE_BYTES, Answer, Sender
from tests.certificates import Authority, authority
from tests.services.projector.webhooks.receiving import (
    ADDRESS,
    ALLOWED,
    NAME,
    Names,
    Receiver,
    receiving,
    trap,
)

HEADERS = {"webhook-id": "x"}
BODY = b'{"specversion":"1.0"}'


@pytest.fixture
async def receiver(certified: Authority) -> AsyncIterator[Receiver]:
    async with receiving(certified.server) as opened:
        yield opened


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def sender(certified: Authority, names: Names) -> AsyncIterator[Sender]:
    async with Sender.open(ALLOWED, 15, certified.trusted, lookup=names) as opened:
        yield opened


async def test_an_event_is_posted_and_a_2xx_is_a_success(
    sender: Sender, receiver: Receiver
) -> None:
    receiver.behave = lambda got: web.Response(status=204)
    answer = await sender.send(receiver.url, HEADERS, BODY)
    assert (answer.status, answer.error, answer.response) == (204, None, "")
    (got,) = receiver.got
    assert got.body == BODY
    assert got.headers["Content-Type"] == "application/cloudevents+json"
    assert got.headers["Accept-Encoding"] == "identity"


def redirect(to: str) -> web.Response:
    return web.Response(status=307, headers={"Location": to})


@pytest.mark.parametrize(
    ("done", "status", "error"),
    [
        (500, 500, "status"),
        (404, 404, "status"),
        (410, 410, "status"),
        (redirect("https://127.0.0.1/"), 307, "redirect"),
        ("close", None, "connection"),
        ("hang", None, "timeout"),
    ],
)
async def test_anything_else_is_a_failure_that_says_how(
    certified: Authority, receiver: Receiver, names: Names, done: Any, status: Any, error: str
) -> None:
    receiver.behave = lambda got: done
    async with Sender.open(ALLOWED, 0.5, certified.trusted, lookup=names) as sender:
        answer = await sender.send(receiver.url, HEADERS, BODY)
    assert (answer.status, answer.error) == (status, error)
    assert answer.is_gone == (status == 410)
    # Once, and to nowhere else: no redirect is followed, nothing is repeated.
    assert len(receiver.got) == 1
    assert set(names.asked) == {NAME}


async def retry_after(sender: Sender, receiver: Receiver, status: int, text: str) -> Answer:
    receiver.behave = lambda got: web.Response(status=status, headers={"Retry-After": text})
    return await sender.send(receiver.url, HEADERS, BODY)


async def test_a_receiver_may_say_when(sender: Sender, receiver: Receiver) -> None:
    for status in (429, 503):
        answer = await retry_after(sender, receiver, status, "120")
        assert answer.retry_after == timedelta(minutes=2)
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    wait = (await retry_after(sender, receiver, 429, at)).retry_after
    assert wait is not None
    assert timedelta(minutes=9) < wait <= timedelta(minutes=10)
    for text in ("soon", "-5", "1.5"):
        assert (await retry_after(sender, receiver, 429, text)).retry_after is None
    assert (await retry_after(sender, receiver, 503, "0")).retry_after == timedelta(seconds=1)
    assert (await retry_after(sender, receiver, 500, "120")).retry_after is None


async def test_of_a_response_the_beginning_is_read_and_shown(
    sender: Sender, receiver: Receiver
) -> None:
    receiver.behave = lambda got: web.Response(body=b"x\0\xff" + b"y" * 4 * MOST_RESPONSE_BYTES)
    answer = await sender.send(receiver.url, HEADERS, BODY)
    assert answer.error is None
    assert answer.response == "x\ufffd\ufffd" + "y" * 1_021


async def test_a_receiver_must_be_who_it_says(
    receiver: Receiver, sender: Sender, names: Names, tmp_path: Path
) -> None:
    other = receiver.url.replace(NAME, "other.test")
    assert (await sender.send(other, HEADERS, BODY)).error == "tls"
    stranger = authority(tmp_path, NAME)
    async with Sender.open(ALLOWED, 15, stranger.trusted, lookup=names) as distrustful:
        assert (await distrustful.send(receiver.url, HEADERS, BODY)).error == "tls"
    assert receiver.got == []


async def test_nothing_reaches_a_forbidden_address(
    receiver: Receiver, sender: Sender, names: Names
) -> None:
    async with trap(receiver.port) as caught:
        for host in (
            *("127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"),
            *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0", "localhost"),  # noqa: S104
        ):
            names.answers["localhost"] = ["127.0.0.1", "::1"]
            url = f"https://{host}:{receiver.port}/hook"
            assert (await sender.send(url, HEADERS, BODY)).error == "forbidden_address", host
        for found in (["127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], []):
            names.answers[NAME] = found
            assert (await sender.send(receiver.url, HEADERS, BODY)).error == "forbidden_address"
        names.answers[NAME] = ["127.0.0.1", ADDRESS]
        assert (await sender.send(receiver.url, HEADERS, BODY)).error is None
    assert caught == []
    assert len(receiver.got) == 1


async def test_a_name_that_turns_private_is_not_followed(
    certified: Authority, receiver: Receiver, names: Names
) -> None:
    """Looked up at each connection, and what was looked up is what is connected to."""
    receiver.behave = lambda got: web.Response(headers={"Connection": "close"})
    async with (
        Sender.open(ALLOWED, 15, certified.trusted, lookup=names) as sender,
        trap(receiver.port) as caught,
    ):
        assert (await sender.send(receiver.url, HEADERS, BODY)).error is None
        names.answers[NAME] = ["127.0.0.1"]
        assert (await sender.send(receiver.url, HEADERS, BODY)).error == "forbidden_address"
        assert names.asked == [NAME, NAME]
    assert caught == []


async def test_http_reaches_only_what_is_allowed(certified: Authority, names: Names) -> None:
    async with receiving(None) as plain:
        url = f"http://{NAME}:{plain.port}/"
        plain.behave = lambda got: web.Response(headers={"Connection": "close"})
        async with Sender.open(ALLOWED, 15, certified.trusted, lookup=names) as sender:
            assert (await sender.send(url, HEADERS, BODY)).error is None
            names.answers[NAME] = ["93.184.215.14"]
            assert (await sender.send(url, HEADERS, BODY)).error == "forbidden_address"
        lab = Destinations(networks("10.0.0.0/8"))
        names.answers.clear()
        for destinations, error in ((lab, "forbidden_address"), (Destinations(), "url")):
            async with Sender.open(destinations, 15, certified.trusted, lookup=names) as sender:
                assert (await sender.send(url, HEADERS, BODY)).error == error
        assert len(plain.got) == 1


async def test_a_proxy_of_the_environment_is_not_asked(
    sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trap(0) as caught:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert (await sender.send(receiver.url, HEADERS, BODY)).error is None
    assert caught == []
