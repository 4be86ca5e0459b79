"""A receiver of chaos, names that turn private, processes that die: order holds, nothing is lost,
exactly the lanes that deserve it are parked, and nothing reaches a forbidden address.
"""

import random
from itertools import pairwise

import pytest
from aiohttp import web

from contracts.events.webhook import WebhookDisabled, WebhookLaneParked
from services.projector.webhooks.sending import Sender
from tests.certificates import Authority
from tests.services.projector.projecting import Killed, killed_at
from tests.services.projector.webhooks.delivering import Delivering
from tests.services.projector.webhooks.receiving import ADDRESS, ALLOWED, NAME, Behaviour, Got, trap

INSIGHTS = range(1, 9)
FACTS = 5
# Two facts that the receiver never takes, each of another insight.
POISON = {11: "insight/2", 20: "insight/3"}
POINTS = ("read", "spooled", "sent", "answered", "recorded")


def chaos(seed: int, port: int) -> Behaviour:
    draw = random.Random(seed)

    def behave(got: Got) -> int | web.Response | str:
        if got.sequence in POISON:
            return draw.choice([500, 404, 503])
        if got.again > 3 or draw.random() < 0.6:
            return draw.choice([200, 201, 204])
        worse: list[int | web.Response | str] = [
            *(500, 502, 400, "close", "hang"),
            web.Response(status=429, headers={"Retry-After": "30"}),
            web.Response(status=302, headers={"Location": f"https://127.0.0.1:{port}/"}),
        ]
        return draw.choice(worse)

    return behave


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_the_receiver_does(
    hook: Delivering, certified: Authority, seed: int
) -> None:
    draw = random.Random(seed)
    await hook.make(max_in_flight=4)
    await hook.insights(*INSIGHTS, facts=FACTS)
    hook.receiver.behave = chaos(seed, hook.receiver.port)
    async with (
        trap(hook.receiver.port) as caught,
        Sender.open(ALLOWED, 0.3, certified.trusted, lookup=hook.names) as impatient,
    ):
        hook.sender = impatient
        for _ in range(10):
            hook.names.answers[NAME] = draw.choice([[ADDRESS], ["127.0.0.1", ADDRESS]])
            if draw.random() < 0.3:
                hook.names.answers[NAME] = ["127.0.0.1"]
            try:
                await hook.restart(killed_at(draw.choice(POINTS)))
                await hook.step()
            except Killed:
                pass
        hook.names.answers.clear()
        await hook.restart()
        await hook.go_on()
    assert caught == []
    told = await hook.facts()
    assert not any(isinstance(fact, WebhookDisabled) for fact in told)
    parked = {fact.sequence: fact.lane for fact in told if isinstance(fact, WebhookLaneParked)}
    assert parked == POISON
    delivered = {
        attempt["sequence"] for attempt in await hook.attempts() if attempt["state"] == "delivered"
    }
    held_up = set(await hook.pending())
    assert POISON.keys() <= held_up
    assert delivered | held_up == set(range(2, 2 + len(INSIGHTS) * FACTS))
    assert delivered & held_up == set()
    for number in INSIGHTS:
        came = [got.sequence for got in hook.receiver.got if got.subject == f"insight/{number}"]
        assert all(one <= other for one, other in pairwise(came))
