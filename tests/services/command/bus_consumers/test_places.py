"""Places in the log, as cursors and as positions of the bus."""

import pytest

from contracts.cursors import cursor_text
from services.command.bus_consumers.places import cursor_at, start_after
from services.common.log.cursors import CursorGone
from tests.services.command.bus_consumers.conftest import BusWorld


async def test_a_cursor_is_the_position_of_its_entry_and_back(world: BusWorld) -> None:
    for project in (world.shop, world.other, world.shop):
        await world.happen(1, project)
    pool, shop = world.pool, world.shop.id
    entries = [entry for entry in await world.app.state.store.entries(0) if entry.team_id == shop]
    before = cursor_text(0, bytes(32))
    assert await cursor_at(pool, shop, 0) == before
    for entry in entries:
        start = await start_after(pool, shop, str(entry.team_seq), 1)
        assert (start.sequence, start.position) == (entry.team_seq, entry.position)
        text = cursor_text(entry.team_seq, entry.hash)
        assert await cursor_at(pool, shop, entry.position) == text
        assert await cursor_at(pool, shop, entry.position - 1) == before
        before = text
    newest = await start_after(pool, shop, "now", 1)
    assert (newest.sequence, newest.position) == (entries[-1].team_seq, entries[-1].position)


async def test_what_the_bus_has_dropped_is_no_place_to_begin(world: BusWorld) -> None:
    await world.happen(3)
    pool, shop = world.pool, world.shop.id
    *_, second, third = (
        entry for entry in await world.app.state.store.entries(0) if entry.team_id == shop
    )
    # The first message that is there is the last fact's.
    kept = third.position
    for after in ("0", str(second.team_seq - 1)):
        with pytest.raises(CursorGone) as gone:
            await start_after(pool, shop, after, kept)
        assert (gone.value.first.team_seq, gone.value.first.hash) == (third.team_seq, third.hash)
    assert (await start_after(pool, shop, str(second.team_seq), kept)).position == second.position
    assert (await start_after(pool, shop, "now", kept + 1)).sequence == third.team_seq
