"""A query service with accounts and an empty log, for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.services.query.reads.reading import Reading, reading


@pytest.fixture
async def api(postgres_url: str) -> AsyncIterator[Reading]:
    async with reading(postgres_url) as opened:
        yield opened
