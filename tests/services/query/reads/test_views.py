"""The most viewed insights, and who has looked at one: exact, from the facts."""

from typing import Any
from uuid import UUID

from contracts.events.access import AccessGranted, Grantee
from contracts.events.insight import InsightDeleted
from contracts.events.streams import StreamKind
from contracts.events.viewing import InsightViewed
from tests.examples import ALICE, BOB, created
from tests.services.query.reads.past import of, operation
from tests.services.query.reads.reading import Reading


async def looked(api: Reading, number: int, *, times: int = 1, by: Any = ALICE) -> None:
    for _ in range(times):
        seen = [InsightViewed(number, by.user_id)]
        await operation(api.projector, (of(StreamKind.VIEWING, by.user_id), seen), by=by)


async def some_views(api: Reading) -> None:
    for number in (1, 2, 3, 4):
        made = created(insight_id=number, short_id=f"short00{number}", name=f"{number}")
        await operation(api.projector, (of(StreamKind.INSIGHT, number), [made]))
    await looked(api, 1, times=2)
    await looked(api, 2, times=2)
    await looked(api, 2, by=BOB)
    await looked(api, 3, times=9)
    await operation(api.projector, (of(StreamKind.INSIGHT, 3), [InsightDeleted()]))
    await api.projector.catch_up()


async def test_the_most_viewed_come_first_and_deleted_ones_never(api: Reading) -> None:
    await some_views(api)
    found = (await api.get("insights/trending/")).json()
    assert [(each["id"], each["view_count"]) for each in found] == [(2, 3), (1, 2)]
    assert [user["first_name"] for user in found[0]["viewers"]] == ["Alice", "Bob"]
    assert [each["id"] for each in (await api.get("insights/trending/?limit=1")).json()] == [2]


async def test_only_the_last_days_count(api: Reading) -> None:
    await some_views(api)
    # As if all but the last two views were of two days ago.
    await api.projector.execute(
        "UPDATE log SET recorded_at = recorded_at - interval '2 days' WHERE notification_id <= 8"
    )
    found = (await api.get("insights/trending/?days=1")).json()
    assert [(each["id"], each["view_count"]) for each in found] == [(2, 1)]


async def test_who_has_looked_at_an_insight(api: Reading) -> None:
    await some_views(api)
    found = (await api.get("insights/2/viewers/")).json()
    assert [(each["user"]["first_name"], each["view_count"]) for each in found] == [
        ("Bob", 1),
        ("Alice", 2),
    ]
    assert (await api.get("insights/4/viewers/")).json() == []
    assert (await api.get("insights/9/viewers/")).status_code == 404


async def test_what_is_out_of_sight_is_in_neither(api: Reading) -> None:
    await some_views(api)
    rule = AccessGranted(2, Grantee(2, UUID(int=2)), "none", None)
    await operation(api.projector, (of(StreamKind.ACCESS, 2), [rule]))
    await api.projector.catch_up()
    found = (await api.get("insights/trending/", by="bob")).json()
    assert [each["id"] for each in found] == [1]
    assert (await api.get("insights/2/viewers/", by="bob")).status_code == 403
