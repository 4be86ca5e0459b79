"""One webhook's delivery: reads the log on, sends what is due, records what came of it.

The crash points are "read" (entries, not yet pending), "spooled" (pending), "sent" (the receiver
has it), "answered" and "recorded". What was sent and not recorded is sent again: at least once, in
order, never lost.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec.structs import replace

from contracts.chain import Entry
from contracts.cloud_events import encode_cloud_event, encode_with_dataref, event_source
from contracts.events.webhook import WebhookDisabled, WebhookLaneParked
from contracts.fact_filters import insight_of, parse_types
from contracts.read_models.webhook import WebhookRow
from services.common.log.entries import project_entries
from services.common.postgres.database import Pool
from services.common.tasks import failure, stop
from services.projector.webhooks import metrics
from services.projector.webhooks.lanes import Lanes, Parking, Pending
from services.projector.webhooks.schedule import FAILURES_UNTIL_PROBING, PATIENCE, wait_after
from services.projector.webhooks.sending import Answer, Sender
from services.projector.webhooks.signing import signed_headers
from services.projector.webhooks.spool import (
    Attempted,
    Keys,
    Parked,
    Progress,
    Replay,
    Spool,
    Spooled,
    Standing,
)

MOST_PENDING = 10_000
MOST_BODY_BYTES = 20_000
AT_ONCE = 500
TEST = "recount.test"


def utc_now() -> datetime:
    return datetime.now(UTC)


def any_spread() -> float:
    return random.uniform(-1, 1)  # noqa: S311 - it spreads load, and hides nothing


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What all deliveries of a process share. pool: for reads of the log.

    now, spread: where time and randomness come from (see `schedule.wait_after`).
    """

    spool: Spool
    pool: Pool
    sender: Sender
    installation: UUID
    now: Callable[[], datetime] = utc_now
    spread: Callable[[], float] = any_spread
    crash_at: Callable[[str], None] = lambda point: None
    most_pending: int = MOST_PENDING


class Delivery:
    """The process has the webhook's lock as long as this lives.

    rung: set when an attempt has ended.
    """

    def __init__(
        self, around: Surroundings, row: WebhookRow, spooled: Spooled, rung: asyncio.Event
    ) -> None:
        self.row = row
        self.rung = rung
        self.lanes = Lanes(
            spooled.pending, {lane: parked.at for lane, parked in spooled.parked.items()}
        )
        self._around = around
        self._progress = spooled.progress
        self._parked: dict[str, Parked] = dict(spooled.parked)
        self._standing: Standing | None = None
        self._keys: Keys | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def of(
        cls, around: Surroundings, row: WebhookRow, rung: asyncio.Event | None = None
    ) -> "Delivery":
        return cls(around, row, await around.spool.load(row), rung or asyncio.Event())

    async def step(self, standing: Standing) -> None:
        """Everything that can be done now: read on, and start sending what is due.

        standing: of the webhook now. Raises what ended an attempt that was being made.
        """
        self._look_at_attempts()
        if standing.row.version != self.row.version:
            self._keys = None
        self.row, self._standing = standing.row, standing
        if not self._goes_on:
            return
        await self._release()
        if await self._disabled_for_silence():
            return
        await self._read_on(standing)
        self._start_due()

    def next_at(self) -> datetime | None:
        """When the next event's time comes; None: none waits for its time."""
        if not self._goes_on:
            return None
        return self.lanes.next_at(probing=self._probing)

    async def attempts_ended(self) -> None:
        """Waits until nothing is being sent. Raises what ended an attempt."""
        while self.lanes.busy:
            self._look_at_attempts()
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)  # its callback may start another

    async def close(self) -> None:
        """Stops sending: what was under way is sent again by whoever has the lock next."""
        for task in list(self._tasks):
            await stop(task)

    async def test(self, test: UUID) -> None:
        """Send `recount.test` once, whatever the webhook's state, and record what came of it."""
        around = self._around
        name = f"test-{test}"
        event = {
            "specversion": "1.0",
            "id": name,
            "source": event_source(around.installation, self.row.team_id),
            "type": TEST,
            "time": around.now(),
            "datacontenttype": "application/json",
            "project": str(self.row.team_id),
            "data": {"type": TEST},
        }
        at, answer = await self._send(name, msgspec.json.encode(event))
        attempt = _attempted(None, TEST, at, answer)
        await around.spool.tested(test, self.row.webhook_id, attempt)
        metrics.attempts.labels(attempt.state).inc()

    @property
    def _goes_on(self) -> bool:
        """Whether it is active, as far as anybody can know."""
        known = self._standing
        return known is not None and known.settled and self.row.state == "active"

    @property
    def _probing(self) -> bool:
        return self._progress.failures >= FAILURES_UNTIL_PROBING

    def _look_at_attempts(self) -> None:
        for task in self._tasks:
            if (cause := failure(task)) is not None:
                raise cause

    async def _release(self) -> None:
        """Lanes that somebody released. Of another parking than ours nothing is done."""
        for released in self.row.released:
            parked = self._parked.get(released.lane)
            if parked is not None and parked.parking == released.parking:
                await self._around.spool.release(
                    self.row.webhook_id, released.lane, parked, released.how
                )
                del self._parked[released.lane]
                self.lanes.release(released.lane, released.how)

    async def _disabled_for_silence(self) -> bool:
        """Whether five days have gone by without a success, since it failed or was resumed."""
        since = self._progress.failing_since
        if since is None or self._around.now() - max(since, self.row.since) < PATIENCE:
            return False
        self._progress = Progress(self._progress.read_through)
        self._standing = None
        await self._around.spool.disable(self.row, self._progress, WebhookDisabled("no_success"))
        return True

    async def _read_on(self, standing: Standing) -> None:
        """As far as the log goes, or as there is room; then replays."""
        around, row = self._around, self.row
        types = parse_types(row.settings.types)
        while self._progress.read_through < standing.head and (room := self._room()):
            before = self._progress.read_through
            entries = await project_entries(around.pool, row.team_id, before, room)
            if not entries:
                break
            around.crash_at("read")
            found = [
                Pending(sequence=entry.team_seq, lane=lane_of(entry))
                for entry in entries
                if types.matches(entry.name) and self._wants(entry)
            ]
            through = entries[-1].team_seq
            await around.spool.read_on(row.webhook_id, before, through, found)
            self._progress = replace(self._progress, read_through=through)
            for each in found:
                self.lanes.add(each)
            around.crash_at("spooled")
        if standing.replays:
            for replay in await around.spool.replays(row.webhook_id):
                await self._read_replay(replay)

    async def _read_replay(self, replay: Replay) -> None:
        around, row = self._around, self.row
        types = parse_types(replay.types or row.settings.types)
        while replay.read_through < replay.through and (room := self._room()):
            entries = await project_entries(around.pool, row.team_id, replay.read_through, room)
            through = entries[-1].team_seq if entries else replay.through
            found = [
                Pending(replay=replay.id, sequence=entry.team_seq, lane=lane_of(entry))
                for entry in entries
                if entry.team_seq <= replay.through
                and types.matches(entry.name)
                and self._wants(entry)
            ]
            await around.spool.replayed(row.webhook_id, replay, through, found)
            for each in found:
                self.lanes.add(each)
            replay = replace(replay, read_through=through)

    def _room(self) -> int:
        return max(min(self._around.most_pending - len(self.lanes), AT_ONCE), 0)

    def _wants(self, entry: Entry) -> bool:
        insights = self.row.settings.insights
        return insights is None or insight_of(entry) in insights

    def _start_due(self) -> None:
        now, most = self._around.now(), self.row.settings.max_in_flight
        if self._probing:
            due = self.lanes.take_probe(now)
        else:
            due = self.lanes.take(now, most - self.lanes.busy)
        for each in due:
            name = f"webhook {self.row.webhook_id} {each.lane}"
            task = asyncio.create_task(self._attempt(each), name=name)
            task.add_done_callback(self._ended)
            self._tasks.add(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """At once, without a look at the tables: the next one, as long as nothing is known that
        stops it.
        """
        if task.cancelled() or task.exception() is not None:
            self.rung.set()
            return
        self._tasks.discard(task)
        if self._goes_on:
            self._start_due()
        self.rung.set()

    async def _attempt(self, sent: Pending) -> None:
        at, answer = await self._send(str(sent.sequence), await self._body(sent))
        self._around.crash_at("answered")
        await self._record(sent, at, answer)
        self._around.crash_at("recorded")

    async def _body(self, sent: Pending) -> bytes:
        """From the log, as it is now: what was erased meanwhile is sent redacted."""
        around, team_id = self._around, self.row.team_id
        (entry,) = await project_entries(around.pool, team_id, sent.sequence - 1, 1)
        source = event_source(around.installation, team_id)
        whole = encode_cloud_event(entry, source)
        return whole if len(whole) <= MOST_BODY_BYTES else encode_with_dataref(entry, source)

    async def _send(self, name: str, body: bytes) -> tuple[datetime, Answer]:
        """name: of the event, within the project."""
        around, row = self._around, self.row
        keys = self._keys = self._keys or await around.spool.keys(row)
        now = around.now()
        signing = [
            keys.secrets[secret.id]
            for secret in reversed(row.secrets)
            if secret.id in keys.secrets and (secret.until is None or secret.until > now)
        ]
        if keys.url is None or not signing:
            # Deleted by now, which the next row tells.
            return now, Answer(error="url")
        message_id = f"{around.installation}/{row.team_id}/{name}"
        headers = signed_headers(signing, row.settings.signature, message_id, now, body)
        return now, await around.sender.send(keys.url, headers, body)

    async def _record(self, sent: Pending, at: datetime, answer: Answer) -> None:
        around, row, progress = self._around, self.row, self._progress
        attempt = _attempted(sent.sequence, sent.lane, at, answer)
        how: dict[str, Any] = {}
        if answer.error is None:
            progress = replace(progress, failures=0, failing_since=None)
        elif answer.is_gone:
            # Not counted: when it is resumed, the receiver is there again.
            progress = Progress(progress.read_through)
            how = {
                "later": replace(sent, not_before=None),
                "tell": WebhookDisabled("gone"),
            }
        else:
            progress = replace(
                progress,
                failures=progress.failures + 1,
                failing_since=progress.failing_since or at,
            )
            later = replace(sent, attempts=sent.attempts + 1, not_before=None)
            wait = wait_after(later.attempts, answer.retry_after, around.spread())
            if wait is None:
                parking = uuid4()
                attempt = replace(attempt, state="parked")
                how = {
                    "later": later,
                    "parking": parking,
                    "tell": WebhookLaneParked(
                        sent.lane, sent.sequence, parking, later.attempts, answer.error
                    ),
                }
            else:
                later = replace(later, not_before=around.now() + wait)
                attempt = replace(attempt, retry_at=later.not_before)
                how = {"later": later}
        # Before the transaction: others end beside this one, and both must count.
        self._progress = progress
        if answer.is_gone:
            self._standing = None
        await around.spool.record(row, sent, attempt, self._progress, **how)
        self._move(sent, how.get("later"), how.get("parking"))
        metrics.attempts.labels(attempt.state).inc()

    def _move(self, sent: Pending, later: Pending | None, parking: UUID | None) -> None:
        """The lanes, as the tables are now."""
        if later is None:
            self.lanes.done(sent)
            return
        if parking is None:
            self.lanes.later(sent, later)
            return
        self._parked[sent.lane] = Parked(parking, Parking(sent.replay, sent.sequence))
        self.lanes.park(sent, later)


def lane_of(entry: Entry) -> str:
    """An insight, with all facts about it; else the thing that the entry is about."""
    insight = insight_of(entry)
    return entry.subject if insight is None else f"insight/{insight}"


def _attempted(sequence: int | None, lane: str, at: datetime, answer: Answer) -> Attempted:
    return Attempted(
        sequence=sequence,
        lane=lane,
        at=at,
        duration_ms=answer.duration_ms,
        state="delivered" if answer.error is None else "failed",
        status=answer.status,
        error=answer.error,
        response=answer.response,
    )
