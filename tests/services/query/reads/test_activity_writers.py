"""A reader by cursor beside eight writers: every entry once, whole, and in order."""

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

from contracts.events.dashboard import DashboardCreated, DashboardRenamed
from contracts.events.insight import InsightDescribed, InsightRenamed, InsightTagged
from contracts.events.recorded import DomainEvent
from contracts.events.viewing import InsightViewed
from services.common.log.store import Append, AppendPart
from services.projector.app import projections
from tests.examples import ALICE, created
from tests.services.projector.projecting import Projecting, dashboard, insight, viewing
from tests.services.query.reads.reading import BASE, Reading

WRITERS = 8
OPERATIONS = 30
FIELDS: list[DomainEvent] = [
    InsightRenamed("B", "A"),
    InsightDescribed("Why", None),
    InsightTagged(("a",), ()),
]
"""As many facts, and as many fields in the operation's entry."""


async def write(projector: Projecting, writer: int, told: dict[UUID, int]) -> None:
    """told: of each operation, how many fields its entry about the insight has."""
    dice = random.Random(writer)
    await projector.append(
        created(insight_id=writer, short_id=f"short{writer:03}"), of=insight(writer)
    )
    await projector.append(DashboardCreated(writer, "A"), of=dashboard(writer))
    for _ in range(OPERATIONS):
        fields, operation = dice.randint(1, 3), uuid4()
        parts = [
            AppendPart(insight(writer), None, tuple(FIELDS[:fields])),
            AppendPart(dashboard(writer), None, (DashboardRenamed("B", "A"),) * dice.randint(1, 3)),
            AppendPart(viewing(writer), None, (InsightViewed(writer, writer),)),
        ]
        await projector.store.append(
            Append(
                parts=tuple(parts),
                actor=ALICE,
                operation_id=operation,
                correlation_id=operation,
            )
        )
        told[operation] = fields


async def project(projector: Projecting, done: asyncio.Event) -> None:
    """In batches that end wherever they would, if they were not cut at operations."""
    runners = [projector.runner(each, size=3 + n) for n, each in enumerate(projections())]
    while not done.is_set():
        for runner in runners:
            await runner.catch_up()
        await asyncio.sleep(0.01)


async def read(api: Reading, writing: "asyncio.Future[Any]") -> list[dict[str, Any]]:
    """Until the writers have ended and nothing follows."""
    seen: list[dict[str, Any]] = []
    url = "/api/projects/1/insights/activity/?after=0&limit=7&all=true&scopes=Insight,Dashboard"
    while True:
        ended = writing.done()
        answer = await api.get(url.removeprefix(BASE))
        assert answer.status_code == 200, answer.text
        found = answer.json()
        if not found["results"] and ended and found["through"].startswith(await _head(api)):
            return seen
        seen += found["results"]
        url = found["next"]


async def _head(api: Reading) -> str:
    (row,) = await api.projector.rows("SELECT seq FROM log_heads WHERE team_id = 1")
    return f"{row['seq']}-"


async def test_a_reader_beside_writers_misses_nothing_and_sees_nothing_twice(
    api: Reading,
) -> None:
    told: dict[UUID, int] = {}
    done = asyncio.Event()
    writing = asyncio.gather(*(write(api.projector, n, told) for n in range(1, WRITERS + 1)))
    projecting = asyncio.create_task(project(api.projector, done))
    try:
        seen = await asyncio.wait_for(read(api, writing), 300)
    finally:
        await writing
        done.set()
        await projecting
    sequences = [entry["sequence"] for entry in seen]
    assert sequences == sorted(set(sequences))
    made = 2 * WRITERS
    assert len(seen) == made + 3 * WRITERS * OPERATIONS
    fields = {
        UUID(entry["operation_id"]): len(entry["detail"]["changes"])
        for entry in seen
        if entry["scope"] == "Insight" and entry["activity"] == "updated"
    }
    assert fields == told
