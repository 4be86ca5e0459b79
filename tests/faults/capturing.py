"""Workloads of product events: with known uuids, retried, merged; and funnels over them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.headers import INGEST_POSITION
from tests.faults.clients import AGAIN_SECONDS, Client
from tests.faults.operations import Outcome, outcome

# Of the funnels: so many did the first step, so many of these the second.
BEGAN, ENDED = 12, 5


class Captured(msgspec.Struct, kw_only=True):
    """An event that was sent, once or more. joined: the distinct id that it gives to its person."""

    uuid: str
    distinct_id: str
    joined: str | None = None
    outcome: Outcome = "doubtful"


class Answered(msgspec.Struct, frozen=True):
    """A funnel's counts, by a query that was asked of both query services at once."""

    days: int
    counts: list[int]


class CaptureHistory(msgspec.Struct):
    """reached: the highest Ingest-Position that was told."""

    captured: list[Captured] = []
    funnels: list[Answered] = []
    reached: int = 0


class Captures:
    """Sends events in small batches, some of them again; now and then two ids become one person.

    token: the project's.
    """

    def __init__(self, client: Client, token: str, done: CaptureHistory) -> None:
        self._client = client
        self._token = token
        self._done = done
        self._times = 0
        self._sent: list[list[tuple[Captured, dict[str, Any]]]] = []

    async def step(self) -> None:
        chance = self._client.chance
        if self._sent and chance.random() < 0.2:
            await self._send(chance.choice(self._sent))
            return
        self._times += 1
        batch = [self._event(number) for number in range(chance.randint(1, 4))]
        self._done.captured += [captured for captured, _ in batch]
        self._sent.append(batch)
        await self._send(batch)

    async def settle(self) -> None:
        """As SDKs do: sent again until it is taken."""
        for batch in self._sent:
            while any(captured.outcome == "doubtful" for captured, _ in batch):
                await self._send(batch)

    def _event(self, number: int) -> tuple[Captured, dict[str, Any]]:
        chance, name = self._client.chance, self._client.name
        user = f"{name} user {chance.randrange(4)}"
        anonymous = f"{name} anonymous {self._times}.{number}"
        uuid = self._client.key()
        match chance.random():
            case share if share < 0.2:
                properties = {"$anon_distinct_id": anonymous}
                captured = Captured(uuid=uuid, distinct_id=user, joined=anonymous)
                event, distinct_id = "$identify", user
            case share if share < 0.6:
                captured = Captured(uuid=uuid, distinct_id=anonymous)
                properties, event, distinct_id = {}, "visit", anonymous
            case _:
                captured = Captured(uuid=uuid, distinct_id=user)
                properties, event, distinct_id = {}, "visit", user
        body = {"uuid": uuid, "event": event, "distinct_id": distinct_id, "properties": properties}
        return captured, body

    async def _send(self, batch: Sequence[tuple[Captured, dict[str, Any]]]) -> None:
        body = {"api_key": self._token, "batch": [event for _, event in batch]}
        answer = await self._client.ask("capture", "POST", "/batch/", json=body)
        came = outcome(answer)
        for captured, _ in batch:
            if captured.outcome != "acknowledged":
                captured.outcome = came
        if answer is not None and answer.is_success:
            position = int(answer.headers[INGEST_POSITION].rpartition(".")[2])
            self._done.reached = max(self._done.reached, position)


class Visible:
    """Waits until what was captured is seen by queries, again and again."""

    def __init__(self, client: Client, done: CaptureHistory) -> None:
        self._client = client
        self._done = done
        self._wanted = 0

    async def step(self) -> None:
        # More comes all the time: what was the newest when it was first asked for.
        wanted = self._wanted or self._done.reached
        self._wanted = 0 if await reach(self._client, wanted) else wanted

    async def settle(self) -> None:
        """Everything, that is."""
        while not await reach(self._client, self._done.reached):
            pass


async def reach(client: Client, position: int) -> bool:
    """Whether queries have all up to there by now."""
    query = {"reach": str(position), "wait": "2"}
    answer = await client.ask(None, "GET", "/i/position", params=query)
    reached = answer is not None and answer.status_code == 200 and answer.json()["reached"]
    if reached:
        client.kept("numbers")
    else:
        client.failed("numbers")
        await asyncio.sleep(AGAIN_SECONDS)
    return bool(reached)


class Funnels:
    """Asks for the same funnel several times at once, each time another one, over events that
    nobody adds to.
    """

    def __init__(self, client: Client, token: str, done: CaptureHistory) -> None:
        self._client = client
        self._token = token
        self._done = done
        self._days = 0
        self._events = [
            {
                "uuid": client.key(),
                "event": f"{client.name} {step}",
                "distinct_id": f"{client.name} {number}",
                "timestamp": f"2026-01-0{step}T00:00:00Z",
            }
            for step, people in ((1, BEGAN), (2, ENDED))
            for number in range(people)
        ]
        self._captured = [
            Captured(uuid=event["uuid"], distinct_id=event["distinct_id"]) for event in self._events
        ]
        done.captured += self._captured
        self._ready = False

    async def step(self) -> None:
        if not self._ready:
            self._ready = await self._capture()
            return
        self._days += 1
        answers = await asyncio.gather(*(self._ask() for _ in range(4)))
        self._done.funnels += [Answered(self._days, counts) for counts in answers if counts]

    async def settle(self) -> None:
        """Its events are there, if nothing else is."""
        while not self._ready:
            self._ready = await self._capture()

    async def _capture(self) -> bool:
        """Whether the events are seen by queries."""
        body = {"api_key": self._token, "batch": self._events}
        answer = await self._client.ask("capture", "POST", "/batch/", json=body)
        if answer is None or not answer.is_success:
            return False
        for captured in self._captured:
            captured.outcome = "acknowledged"
        position = int(answer.headers[INGEST_POSITION].rpartition(".")[2])
        return await reach(self._client, position)

    async def _ask(self) -> list[int]:
        """Of a window of so many days as no funnel had before; empty without an answer."""
        steps = [{"id": f"{self._client.name} {step}", "order": step} for step in (1, 2)]
        body = {
            "events": steps,
            "date_from": "2026-01-01",
            "date_to": "2026-01-31",
            "funnel_window_interval": 2 + self._days,
            "funnel_window_interval_unit": "day",
        }
        answer = await self._client.ask(
            "computations", "POST", "insights/funnel/", json=body, params={"refresh": "blocking"}
        )
        if answer is None or not answer.is_success:
            return []
        return [step["count"] for step in answer.json()["result"]]


def people(captured: Sequence[Captured]) -> set[frozenset[str]]:
    """The distinct ids of each person: a replay of all that was acknowledged, by hand.

    Each anonymous id joins one person alone, so that the order of arrival makes no difference.
    """
    owner: dict[str, str] = {}
    for one in captured:
        if one.outcome == "acknowledged" and one.joined is not None:
            owner[one.joined] = one.distinct_id
    persons: dict[str, set[str]] = {}
    for one in captured:
        if one.outcome == "acknowledged":
            for distinct_id in (one.distinct_id, one.joined):
                if distinct_id is not None:
                    persons.setdefault(owner.get(distinct_id, distinct_id), set()).add(distinct_id)
    return {frozenset(ids) for ids in persons.values()}
