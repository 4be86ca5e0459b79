"""What a subscriber can do on the bus: take and acknowledge the facts of one consumer. No more."""

import asyncio
import re
from typing import Any

import nats.errors
import pytest

from contracts.subjects import FACTS_STREAM, HASH_HEADER
from services.common.tasks import background
from tests.embedded.recount_process import ROOT
from tests.services.command.bus_consumers.conftest import (
    BusWorld,
    greeted,
    subscriber,
    take,
    told_name,
)
from tests.waiting import seen

STREAM = FACTS_STREAM
README = (ROOT / "README.md").read_text()


async def test_a_stranger_gets_the_facts_in_order_and_again_only_what_is_not_acknowledged(
    world: BusWorld,
) -> None:
    await world.happen()
    made = await world.make(after="now")
    names = await world.happen(5)
    async with subscriber(made) as client:
        first = await take(client, made, 2)
    async with subscriber(made) as client:
        rest = await take(client, made, 3)
        # The library asks about a consumer under another prefix.
        own = client.jetstream(prefix="RECOUNT.API")
        told = await own.consumer_info(STREAM, made["consumer"])
    found = [*first, *rest]
    assert [fact["bus"] for fact in found] == [f"insights.{world.shop.id}.action.created.v1"] * 5
    assert [told_name(fact) for fact in found] == names
    assert told.num_pending == 0
    assert told.num_ack_pending == 0


async def test_the_lines_of_the_readme_follow(
    world: BusWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    (lines,) = re.findall(r"```python\n(import asyncio, json, nats\n.*?)```", README, re.DOTALL)
    told: dict[str, Any] = {}
    exec(lines, told)  # noqa: S102 - our own
    made = await world.make(after="now")
    await world.happen(3)

    async def acknowledged() -> int:
        return int((await world.get(made))["pending"])

    async with background("follow", told["follow"](made)):
        await seen(acknowledged, lambda pending: pending == 0)
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [kind for _, kind, _ in printed] == ["action.created.v1"] * 3
    assert all(subject.startswith("action/") for _, _, subject in printed)


async def test_two_projects_subscribers_see_only_theirs(world: BusWorld) -> None:
    ours, theirs = await world.make(after="now"), await world.make(world.other, after="now")
    for _ in range(3):
        await world.happen(1, world.shop)
        await world.happen(1, world.other)
    for made, project in ((ours, world.shop), (theirs, world.other)):
        async with subscriber(made) as client:
            found = await take(client, made, 3)
            assert {fact["bus"].split(".")[1] for fact in found} == {str(project.id)}
            reading = await client.jetstream().pull_subscribe_bind(made["consumer"], STREAM)
            with pytest.raises(nats.errors.TimeoutError):
                await reading.fetch(1, timeout=0.5)


@pytest.mark.parametrize("way", ["pull", "info", "acknowledge", "acknowledge and pull"])
async def test_no_answer_is_ever_written_into_the_stream(world: BusWorld, way: str) -> None:
    """The subject of an answer is a subscriber's own choice: it is one of his account's."""
    made = await world.make(after="now")
    await world.happen(3)
    async with subscriber(made) as client:
        reading = await client.jetstream().pull_subscribe_bind(made["consumer"], STREAM)
        (message,) = await reading.fetch(1, timeout=10)
        requests = {
            "pull": (f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{made['consumer']}", b""),
            "info": (f"RECOUNT.API.CONSUMER.INFO.{STREAM}.{made['consumer']}", b""),
            "acknowledge": (message.reply, b""),
            "acknowledge and pull": (message.reply, b"+NXT"),
        }
        before = await world.stored()
        subject, body = requests[way]
        for target in ("insights.2.x", f"insights.{world.shop.id}.action.created.v1", "capture.1"):
            await client.publish(subject, body, reply=target)
        await client.flush()
        # Answers come within milliseconds; those that would be written came before this one's.
        await world.happen(1)
        assert await world.stored() == before + 1
        head = await world.app.state.store.head()
        (entry,) = await world.app.state.store.entries(head - 1)
        last = await world.streams.get_msg(STREAM, head)
        assert (last.headers or {}).get(HASH_HEADER) == entry.hash.hex()
    assert world.app.state.relay.failure is None
    assert (await world.streams.stream_info("CAPTURE")).state.messages == 0


class Refusals:
    """What the server says no to, as the library hands it on."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Exception] = asyncio.Queue()

    async def hear(self, error: Exception) -> None:
        self._told.put_nowait(error)

    async def is_refusal(self) -> bool:
        """Of the next one: fails when there is none."""
        error = await asyncio.wait_for(self._told.get(), 30)
        return "permissions violation" in str(error).lower()


def api_subjects(own: str, other: str) -> list[str]:
    """Every subject of JetStream's, and what else there is, that is not one of the three."""
    return [
        "$JS.API.INFO",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.LIST",
        *(
            f"$JS.API.STREAM.{verb}.{STREAM}"
            for verb in (
                *("INFO", "CREATE", "UPDATE", "DELETE", "PURGE", "SNAPSHOT", "RESTORE"),
                *("MSG.GET", "MSG.DELETE", "LEADER.STEPDOWN", "PEER.REMOVE"),
            )
        ),
        f"$JS.API.DIRECT.GET.{STREAM}",
        f"$JS.API.DIRECT.GET.{STREAM}.insights.1.action.created.v1",
        f"$JS.API.CONSUMER.NAMES.{STREAM}",
        f"$JS.API.CONSUMER.LIST.{STREAM}",
        f"$JS.API.CONSUMER.CREATE.{STREAM}",
        *(
            f"$JS.API.CONSUMER.{verb}.{STREAM}.{name}"
            for verb in (
                *("CREATE", "DURABLE.CREATE", "DELETE", "PAUSE", "UNPIN", "RESET", "INFO"),
                "LEADER.STEPDOWN",
            )
            for name in (own, other)
        ),
        f"$JS.API.CONSUMER.CREATE.{STREAM}.{own}.insights.>",
        f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{other}",
        f"$JS.API.CONSUMER.MSG.NEXT.CAPTURE.{own}",
        f"RECOUNT.API.CONSUMER.INFO.{STREAM}.{other}",
        f"$JS.ACK.{STREAM}.{other}.1.1.1.1.1",
        f"$JS.ACK.CAPTURE.{own}.1.1.1.1.1",
        f"$JS.FC.{STREAM}.{own}.x",
        "insights.1.action.created.v1",
        "capture.1",
        "$SYS.REQ.USER.AUTH",
        "$SYS.REQ.SERVER.PING.CONNZ",
        "$SYS.REQ.ACCOUNT.RECOUNT.CONNZ",
        f"_INBOX_{other}.x",
        "anything",
    ]


async def test_every_other_subject_is_refused(world: BusWorld) -> None:
    made, other = await world.make(), await world.make()
    refusals = Refusals()
    async with subscriber(made, error_cb=refusals.hear) as client:
        for subject in api_subjects(made["consumer"], other["consumer"]):
            await client.publish(subject, b"{}", reply=client.new_inbox())
            assert await refusals.is_refusal(), subject
        for subject in (">", "insights.>", "$JS.>", "_INBOX.>", f"_INBOX_{other['user']}.>"):
            await client.subscribe(subject)
            await client.flush()
            assert await refusals.is_refusal(), subject
    assert (await world.get(other))["acknowledged"] == other["after"]


async def test_a_wrong_user_or_password_is_not_let_in(world: BusWorld) -> None:
    made, other = await world.make(), await world.make()
    user, password = made["user"], made["password"]
    for named, tried in (
        (user, "wrong"),
        (user, ""),
        (user, other["password"]),
        ("bc_nobody", password),
        ("", ""),
        ("recount", password),
        ("sys", password),
        (f"{user}/1", password),
    ):
        said = await greeted(made["url"], named, tried)
        assert said == "-ERR 'Authorization Violation'", (named, tried)
    assert await greeted(made["url"], user, password) == "PONG"
