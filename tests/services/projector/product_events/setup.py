"""One projector of product events on real servers, and what it has stored."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from nats.aio.client import Client

from contracts.product_events import CapturedBatch, CapturedEvent, JsonObject, encode_batch
from contracts.subjects import capture_subject
from services.command.capture.events import Clock, captured
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.common.stream import OutgoingMessage, ensure_capture_stream, publish_whole
from services.projector.product_events.follower import ProductEvents
from services.projector.product_events.ingest import Step, no_step

NOON = 1_700_000_000_000_000
SECOND = 1_000_000


def event(
    name: str = "visit",
    distinct_id: str = "anna",
    *,
    at: int = NOON,
    properties: JsonObject | None = None,
    above: JsonObject | None = None,
) -> CapturedEvent:
    """As the capture door makes it. above: members beside the properties."""
    raw: dict[str, Any] = {
        "event": name,
        "distinct_id": distinct_id,
        "uuid": str(uuid4()),
        "properties": properties or {},
        **(above or {}),
    }
    return msgspec.structs.replace(captured(raw, Clock(NOON)), timestamp=at)


class Servers(msgspec.Struct, frozen=True):
    """A stream, a database and a ClickHouse database of one test."""

    postgres_url: str
    bus: Client
    clickhouse: ClickHouse
    prefix: str

    async def send(self, events: Iterable[CapturedEvent], team_id: int = 1, bucket: int = 0) -> int:
        """As one message; its sequence."""
        payload = encode_batch(CapturedBatch(NOON, list(events)))
        return await self.send_bytes(payload, team_id, bucket)

    async def send_bytes(self, payload: bytes, team_id: int = 1, bucket: int = 0) -> int:
        ((reached,),) = await self.tables(
            f"SELECT coalesce(max(reached), 0) FROM ingest_progress WHERE bucket = {bucket:d}"
        )
        await ensure_capture_stream(
            self.bus, self.prefix, first_sequence=reached + 1, bucket=bucket
        )
        subject = f"{self.prefix}{capture_subject(team_id, bucket)}"
        return await publish_whole(self.bus, [OutgoingMessage(subject, payload)])

    def projector(self, at: Callable[[Step], None] = no_step) -> ProductEvents:
        return ProductEvents(
            self.postgres_url, self.bus, self.clickhouse, prefix=self.prefix, at=at
        )

    async def stored(self, events: Sequence[CapturedEvent], team_id: int = 1) -> None:
        """Send them as one message and store it."""
        await self.projector().follow(until=await self.send(events, team_id))

    async def rows(self, text: str, **parameters: object) -> list[tuple[Any, ...]]:
        return await self.clickhouse.query(Statement(text, parameters))

    async def tables(self, text: str) -> list[tuple[Any, ...]]:
        """Rows of a statement over PostgreSQL."""
        async with await psycopg.AsyncConnection.connect(self.postgres_url) as conn:
            return await (await conn.execute(text.encode())).fetchall()

    async def people(self) -> set[frozenset[str]]:
        """The distinct ids of each person, for whom a query sees events: overrides applied."""
        rows = await self.rows(
            "SELECT groupUniqArray(distinct_id) FROM ("
            " SELECT e.distinct_id AS distinct_id,"
            " if(o.target_id = toUUID('00000000-0000-0000-0000-000000000000'),"
            " e.person_id, o.target_id) AS person"
            " FROM events e LEFT JOIN (SELECT * FROM person_overrides FINAL) o"
            " ON o.team_id = e.team_id AND o.person_id = e.person_id) GROUP BY person"
        )
        return {frozenset(names) for (names,) in rows}

    async def person(self, distinct_id: str) -> dict[str, Any]:
        """Properties of this distinct id's person, by ClickHouse."""
        rows = await self.rows(
            "SELECT p.sent FROM (SELECT * FROM person_distinct_ids FINAL) d"
            " JOIN (SELECT * FROM persons FINAL) p USING (team_id, person_id)"
            " WHERE d.distinct_id = {id:String} AND NOT p.deleted",
            id=distinct_id,
        )
        ((text,),) = rows
        properties: dict[str, Any] = msgspec.json.decode(text)
        return properties

    async def person_ids(self) -> set[UUID]:
        """Of all records that ClickHouse has."""
        rows = await self.rows("SELECT person_id FROM persons FINAL WHERE NOT deleted")
        return {person for (person,) in rows}
