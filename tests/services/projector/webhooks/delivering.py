"""A webhook, its log and its receiver; time stands still until a test moves it on."""

import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from contracts.events.insight import InsightRenamed
from contracts.events.recorded import DomainEvent
from contracts.events.streams import webhook_stream
from contracts.events.webhook import WebhookCreated, WebhookEvent, WebhookSettings
from domain.webhook.commands import ReleaseLane
from domain.webhook.decide import decide
from domain.webhook.view import view
from services.command.telling import Telling
from services.projector.batch import CrashAt, no_crash
from services.projector.webhooks.deliver import Delivery, Surroundings
from services.projector.webhooks.running import locking
from services.projector.webhooks.sending import Sender
from services.projector.webhooks.spool import Spool, Standing
from tests.certificates import Authority
from tests.examples import TEAM, created
from tests.services.projector.projecting import Projecting, insight
from tests.services.projector.webhooks.receiving import ALLOWED, Names, Receiver, receiving

WEBHOOK = 3
INSTALLATION = UUID(int=7)
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
PRIVATE_KEY = "whsk_" + base64.b64encode(bytes(32)).decode()
SETTINGS = WebhookSettings(
    host="hooks.test",
    address_id=1,
    description="",
    types=("insight.*",),
    insights=None,
    max_in_flight=8,
    signature="both",
)


class Clock:
    """Stands still until it is moved on, at the time of the test: signatures hold."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by


class Delivering:
    """One webhook, WEBHOOK, of TEAM. Its deliverer is made anew by `restart`, as a new process is.

    spread: of waits; 0: each is exactly as long as the schedule says.
    """

    def __init__(
        self, projector: Projecting, spool: Spool, sender: Sender, receiver: Receiver, names: Names
    ) -> None:
        self.projector = projector
        self.spool = spool
        self.sender = sender
        self.receiver = receiver
        self.names = names
        self.clock = Clock()
        self.spread = 0.0
        self.most_pending = 10_000
        self.delivery: Delivery | None = None

    async def make(self, after: int = 0, **settings: Any) -> None:
        """The webhook, which begins behind `after`."""
        await self.projector.execute(
            "INSERT INTO webhook_secrets (id, team_id, webhook_id, url, secret, private_key)"
            " OVERRIDING SYSTEM VALUE"
            " VALUES (1, %s, %s, %s, NULL, NULL), (2, %s, %s, NULL, %s, %s)",
            *(TEAM, WEBHOOK, self.receiver.url),
            *(TEAM, WEBHOOK, SECRET, PRIVATE_KEY),
        )
        made = WebhookCreated(WEBHOOK, replace(SETTINGS, **settings), after, 2, "whpk_x")
        await self.tell(made)

    async def tell(self, *events: WebhookEvent) -> None:
        """Facts of the webhook, as commands append them."""
        await self.projector.append(*events, of=webhook_stream(TEAM, WEBHOOK))
        await self.projector.catch_up()

    async def release(self, lane: str, how: Any) -> None:
        row = view(await self.projector.store.load(webhook_stream(TEAM, WEBHOOK)))
        await self.tell(*decide(ReleaseLane(lane, how), row))

    async def insights(self, *numbers: int, facts: int = 1) -> None:
        """So many facts of each of these insights, in turns."""
        for number in numbers:
            first = created(insight_id=number, short_id=f"short{number:03}")
            await self.projector.append(first, of=insight(number))
        for turn in range(1, facts):
            for number in numbers:
                renamed = InsightRenamed(f"{turn}", f"{turn - 1}")
                await self.projector.append(renamed, of=insight(number))
        await self.projector.catch_up()

    async def happened(self, *events: DomainEvent, **more: Any) -> None:
        await self.projector.append(*events, **more)
        await self.projector.catch_up()

    def around(self, crash_at: CrashAt = no_crash) -> Surroundings:
        return Surroundings(
            spool=self.spool,
            pool=self.projector.pool,
            sender=self.sender,
            installation=INSTALLATION,
            now=self.clock,
            spread=lambda: self.spread,
            crash_at=crash_at,
            most_pending=self.most_pending,
        )

    async def restart(self, crash_at: CrashAt = no_crash) -> None:
        """A new process, which knows what the tables say."""
        if self.delivery is not None:
            await self.delivery.close()
        standing = await self.standing()
        self.delivery = await Delivery.of(self.around(crash_at), standing.row)

    async def standing(self) -> Standing:
        (found,) = await self.spool.live()
        return found

    async def step(self, crash_at: CrashAt = no_crash) -> None:
        """Everything that can be done at this time, and what the log tells of it."""
        if self.delivery is None:
            await self.restart(crash_at)
        assert self.delivery is not None
        await self.delivery.step(await self.standing())
        await self.delivery.attempts_ended()
        await Telling(self.projector.store, self.projector.pool).tell_all()
        await self.projector.catch_up()

    async def go_on(self, until: Callable[[], bool] = lambda: False, steps: int = 500) -> None:
        """From one time to the next, until nothing waits for its time or `until` holds."""
        for _ in range(steps):
            before = len(self.receiver.got)
            await self.step()
            assert self.delivery is not None
            at = self.delivery.next_at()
            if until() or (at is None and len(self.receiver.got) == before):
                return
            self.clock.at = max(at or self.clock.at, self.clock.at)
        raise AssertionError("it never ends")

    async def facts(self) -> list[WebhookEvent]:
        """The webhook's, but for the first."""
        history = await self.projector.store.load(webhook_stream(TEAM, WEBHOOK))
        return [fact.event for fact in history[1:]]

    async def attempts(self) -> list[dict[str, Any]]:
        return await self.projector.rows("SELECT * FROM webhook_attempts ORDER BY number")

    async def pending(self) -> list[int]:
        rows = await self.projector.rows("SELECT sequence FROM webhook_pending ORDER BY sequence")
        return [row["sequence"] for row in rows]


@contextlib.asynccontextmanager
async def delivering(projector: Projecting, certified: Authority) -> AsyncIterator[Delivering]:
    names = Names()
    organization = UUID(int=1)
    await projector.execute(
        "INSERT INTO organizations (id, name) VALUES (%s, 'Ours') ON CONFLICT DO NOTHING",
        organization,
    )
    await projector.execute(
        "INSERT INTO projects (id, organization_id, name, api_token) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, 'Shop', 'phc_x')",
        TEAM,
        organization,
    )
    async with (
        receiving(certified.server) as receiver,
        Sender.open(ALLOWED, 15, certified.trusted, lookup=names) as sender,
        locking(projector.url) as spool,
    ):
        opened = Delivering(projector, spool, sender, receiver, names)
        try:
            yield opened
        finally:
            if opened.delivery is not None:
                await opened.delivery.close()
