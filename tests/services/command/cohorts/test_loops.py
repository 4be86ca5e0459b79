"""No cohort is made of itself, by whatever way round."""

import asyncio
from typing import Any

from tests.services.command.conftest import World

LOOP = "Cohorts cannot reference other cohorts in a loop."


def of(*numbers: int) -> dict[str, Any]:
    filters = [{"type": "cohort", "key": "id", "value": number} for number in numbers]
    return {"filters": {"properties": {"type": "OR", "values": filters}}}


async def made(world: World, **fields: Any) -> int:
    answer = await world.client.post(f"/api/projects/{world.project.id}/cohorts/", json=fields)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


async def edited(world: World, number: int, **fields: Any) -> Any:
    path = f"/api/projects/{world.project.id}/cohorts/{number}/"
    return await world.client.patch(path, json=fields)


async def test_a_loop_of_any_length_is_refused_where_it_would_close(world: World) -> None:
    a = await made(world)
    b = await made(world, **of(a))
    c = await made(world, **of(424242, b))
    for number in (a, b, c):
        answer = await edited(world, a, **of(number))
        body = answer.json()
        assert (answer.status_code, body["type"], body["detail"], body["attr"]) == (
            (400, "validation_error", LOOP, "filters")
        )
    older = {"groups": [{"properties": [{"type": "cohort", "key": "id", "value": c}]}]}
    assert (await edited(world, a, **older)).json()["detail"] == LOOP
    assert (await edited(world, c, name="C", **of(a))).status_code == 200


async def test_a_deleted_cohort_still_stands_in_the_way(world: World) -> None:
    """Else restoring it would close the loop."""
    a = await made(world)
    b = await made(world, **of(a))
    await edited(world, b, deleted=True)
    assert (await edited(world, a, **of(b))).status_code == 400


async def test_a_cohort_may_be_named_before_it_is_there_but_not_come_into_a_loop(
    world: World,
) -> None:
    a = await made(world)
    await edited(world, a, **of(a + 1))
    path = f"/api/projects/{world.project.id}/cohorts/"
    answer = await world.client.post(path, json=of(a))
    assert (answer.status_code, answer.json()["detail"]) == (400, LOOP)


async def test_two_writes_do_not_close_a_loop_together(world: World) -> None:
    for _ in range(5):
        ring = [await made(world) for _ in range(4)]
        answers = await asyncio.gather(
            *(
                edited(world, number, **of(ring[(place + 1) % len(ring)]))
                for place, number in enumerate(ring)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 400]


async def test_a_number_that_no_cohort_has_names_nobody(world: World) -> None:
    await made(world, **of(2**70, 0))
