"""What the HTTP benchmarks find stored: 100,000 insights, 10,000 keys and as many access rules."""

import asyncio
import os
import random

from contracts.events.access import AccessGranted
from contracts.events.insight import InsightCreated, InsightTagged
from contracts.events.streams import Stream, StreamKind
from services.common.accounts import administration
from services.common.accounts.accounts import hash_key
from services.common.insights.access import LEVELS
from services.common.postgres.database import Pool
from services.projector.app import projections
from tests.examples import FUNNEL, TEAM
from tests.services.projector.projecting import Projecting, insight

INSIGHTS = int(os.environ.get("BENCH_INSIGHTS", "100000"))
KEYS = 10_000
INSIGHTS_PER_RULE = 10
APPENDS_AT_ONCE = 200


async def seed(projector: Projecting, insights: int = INSIGHTS) -> str:
    """Accounts, keys, insights and rules; a key."""
    organization = await administration.create_organization(projector.pool, "Bench")
    project = await administration.create_project(projector.pool, organization.id, "Bench")
    assert project.id == TEAM
    user = await administration.create_user(projector.pool, "a@example.com", organization.id)
    await _more_keys(projector.pool, user)
    issued = await administration.create_key(projector.pool, user)
    dice = random.Random(1)
    for first in range(1, insights + 1, APPENDS_AT_ONCE):
        await asyncio.gather(
            *(
                _create(projector, number, dice)
                for number in range(first, min(first + APPENDS_AT_ONCE, insights + 1))
            )
        )
    await asyncio.gather(*(projector.runner(each).catch_up() for each in projections()))
    await projector.execute("VACUUM ANALYZE")
    return issued.key


async def _more_keys(connections: Pool, user: int) -> None:
    async with connections.connection() as conn, conn.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO personal_api_keys (id, user_id, label, secure_value, mask_value, scopes)"
            " VALUES (%s, %s, 'bench', %s, 'phx_', '{*}')",
            [(f"key-{n}", user, hash_key(f"phx_{n}")) for n in range(KEYS)],
        )


async def _create(projector: Projecting, number: int, dice: random.Random) -> None:
    subject = dice.choice(["Sign-ups", "Revenue", "Retention", "Churn", "Onboarding"])
    place = dice.choice(["by country", "of the week", "per plan", "in the app"])
    await projector.append(
        InsightCreated(
            insight_id=number,
            short_id=f"s{number:07}",
            name=f"{subject} {place} {number}",
            description="What the board looks at." if number % 3 else None,
            query=FUNNEL,
            saved=number % 4 != 0,
        ),
        InsightTagged((dice.choice(["board", "growth", "product"]),), ()),
        of=insight(number),
    )
    if number % INSIGHTS_PER_RULE == 0:
        await projector.append(
            AccessGranted(number, None, dice.choice(LEVELS), None),
            of=Stream(StreamKind.ACCESS, TEAM, number),
        )
