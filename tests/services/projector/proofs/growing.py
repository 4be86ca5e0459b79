"""A log of two projects, long enough for a tile above the lowest, and its trees."""

from contracts.events.insight import InsightRenamed
from services.projector.batch import CrashAt, no_crash
from services.projector.proofs.projection import catch_up
from tests.examples import created
from tests.services.projector.projecting import Projecting, insight

# Of 256 entries each, and more: so that there is a tile above the lowest.
MANY = 600


async def many(projector: Projecting, count: int = MANY) -> None:
    await projector.append(created())
    renamed = [InsightRenamed(str(number), "") for number in range(count - 1)]
    await projector.append(*renamed)
    other = created(insight_id=1, short_id="other000")
    await projector.append(other, of=insight(1, team_id=2))


async def proofs(projector: Projecting, size: int = 1000, crash_at: CrashAt = no_crash) -> int:
    async with projector.pool.connection() as conn:
        return await catch_up(conn, size=size, crash_at=crash_at)
