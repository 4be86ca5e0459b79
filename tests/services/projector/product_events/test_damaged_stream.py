"""The capture stream loses messages on the disk: told, not hung on, no sequence twice."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from contracts.subjects import capture_stream
from services.common import stream
from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.projector.product_events.ingest import Step
from tests import servers
from tests.services.projector.product_events.setup import Servers, event

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made


def blocks(folder: Path) -> list[Path]:
    messages = folder / "nats" / "jetstream" / "RECOUNT" / "streams" / capture_stream() / "msgs"
    return sorted(messages.glob("*.blk"), key=lambda path: int(path.stem))


class Cut(Exception):
    pass


def stop_at(wanted: Step) -> "object":
    def at(step: Step) -> None:
        if step == wanted:
            raise Cut

    return at


async def uuids(on: Servers) -> set[UUID]:
    return {uuid for (uuid,) in await on.rows("SELECT uuid FROM events")}


async def test_new_events_are_stored_after_the_stream_lost_its_end(
    postgres_url: str, clickhouse: ClickHouse, folder: Path
) -> None:
    """Without care they would come under sequences that were reached, and be passed over."""
    first, lost, new = ([event() for _ in range(3)] for _ in range(3))
    with servers.nats_server(folder) as server:
        bus = await connect_bus(server.url, "test")
        on = Servers(postgres_url, bus, clickhouse, "")
        for each in first:
            await on.stored([each])
        await on.stored(lost)
        await bus.close()
    (block,) = blocks(folder)
    with block.open("r+b") as file:
        file.truncate(block.stat().st_size // 2)
    (block.parent / "index.db").unlink()
    with servers.nats_server(folder) as server:
        bus = await connect_bus(server.url, "test")
        on = Servers(postgres_url, bus, clickhouse, "")
        known = 4
        assert await stream.whole_capture_stream(bus, known) == known
        reached = await on.send(new)
        assert reached > known
        await on.projector().follow(until=reached)
        await bus.close()
    assert await uuids(on) == {each.uuid for each in (*first, *lost, *new)}


async def test_a_batch_whose_end_is_lost_is_finished_without_it(
    postgres_url: str, clickhouse: ClickHouse, folder: Path
) -> None:
    kept, gone, later = event(), event(properties={"padding": "x" * 5_000}), event()
    with servers.nats_server(folder) as server:
        bus = await connect_bus(server.url, "test")
        on = Servers(postgres_url, bus, clickhouse, "")
        await on.send([kept])
        await on.send([gone])
        with pytest.raises(Cut):
            await on.projector(stop_at("range fixed")).follow(until=2)  # type: ignore[arg-type]
        await bus.close()
    (block,) = blocks(folder)
    with block.open("r+b") as file:
        file.truncate(block.stat().st_size - 100)
    (block.parent / "index.db").unlink()
    with servers.nats_server(folder) as server:
        bus = await connect_bus(server.url, "test")
        on = Servers(postgres_url, bus, clickhouse, "")
        projector = on.projector()
        await projector.follow(until=2)
        await projector.follow(until=await on.send([later]))
        await bus.close()
    assert await uuids(on) == {kept.uuid, later.uuid}


async def test_a_hole_is_told_and_passed(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> None:
    bus = await connect_bus(nats_url, "test")
    on = Servers(postgres_url, bus, clickhouse, stream_prefix)
    events = [event() for _ in range(5)]
    reached = [await on.send([each]) for each in events][-1]
    # As the server tells of messages that a damaged file had.
    for sequence in (2, 4):
        await bus.jetstream().delete_msg(stream.capture_stream(stream_prefix), sequence)
    projector = on.projector()
    await projector.follow(until=reached)
    assert projector.lost == 2
    await projector.follow(until=await on.send([event()]))
    assert projector.lost == 2
    await bus.close()
    assert len(await uuids(on)) == 4
