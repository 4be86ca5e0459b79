"""A migrated database with its log, for each test of a projection."""

from collections.abc import AsyncIterator

import pytest

from tests.services.projector.projecting import Projecting, projecting


@pytest.fixture
async def projector(postgres_url: str) -> AsyncIterator[Projecting]:
    async with projecting(postgres_url) as opened:
        yield opened
