"""How one application is made of its parts."""

import asyncio

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.testing import AsyncTestClient

from services.common.http.app import ServicePart, compose


async def test_dependencies_are_resolved_one_after_the_other_in_the_requests_own_task() -> None:
    tasks: set[object] = set()

    def telling() -> Provide:
        async def told() -> int:
            tasks.add(asyncio.current_task())
            return len(tasks)

        return Provide(told)

    @get("/told")
    async def handler(
        one: NamedDependency[int], two: NamedDependency[int], three: NamedDependency[int]
    ) -> list[int]:
        tasks.add(asyncio.current_task())
        return [one, two, three]

    dependencies = {name: telling() for name in ("one", "two", "three")}
    part = ServicePart(handlers=[handler], dependencies=dependencies)
    async with AsyncTestClient(compose([part])) as client:
        answer = await client.get("/told")
    assert answer.status_code == 200
    assert len(tasks) == 1
