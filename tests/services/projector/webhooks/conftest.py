"""A webhook with its log and its receiver, for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.certificates import Authority, authority
from tests.services.projector.projecting import Projecting
from tests.services.projector.webhooks.delivering import Delivering, delivering
from tests.services.projector.webhooks.receiving import NAME


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Made once: keys cost time."""
    return authority(tmp_path_factory.mktemp("authority"), NAME)


@pytest.fixture
async def hook(projector: Projecting, certified: Authority) -> AsyncIterator[Delivering]:
    async with delivering(projector, certified) as opened:
        yield opened
