"""Owners, for tests of erasures and holds."""

import pytest

from tests.services.command.audit.asking import Asking
from tests.services.command.conftest import World


@pytest.fixture
async def asking(world: World, postgres_url: str, nats_url: str) -> Asking:
    async with world.pool.connection() as conn:
        await conn.execute("UPDATE organization_members SET level = 15")
    return Asking(world, postgres_url, nats_url)
