"""Which operations lie in a span of time."""

from datetime import UTC, datetime, timedelta
from itertools import product

from services.common.log.store import UsersOperations
from tests.services.command.conftest import World
from tests.services.command.history.test_undo import NAMED, done, made, operation


async def test_a_span_has_what_was_recorded_from_its_first_moment_on_and_before_its_last(
    world: World,
) -> None:
    insight = await made(world, "insights", NAMED)
    for number in range(6):
        fields = {"name": f"{number}", "tags": [f"{number}"]}
        operation(await done(world, "PATCH", f"/insights/{insight}/", fields))
    async with world.pool.connection() as conn:
        # Some at the same time.
        await conn.execute(
            "UPDATE log SET recorded_at = date_trunc('minute', recorded_at)"
            " + make_interval(secs => notification_id / 4)"
        )
        found = await conn.execute(
            "SELECT recorded_at, operation_id FROM log ORDER BY notification_id DESC"
        )
        facts = await found.fetchall()
    times = sorted({at for at, _ in facts})
    moments = [times[0] - timedelta(hours=1), *times, datetime(9999, 1, 1, tzinfo=UTC)]
    for since, until in product(moments, moments):
        asked = UsersOperations(
            team_id=world.project.id,
            since=since,
            until=until,
            up_to=2**63 - 1,
            user_id=world.user_id,
            key_id=None,
            streams=None,
        )
        inside = dict.fromkeys(each for at, each in facts if since <= at < until)
        listed = await world.app.state.store.operations_of(asked, 100)
        assert [each for each, _ in listed] == list(inside), (since, until)
